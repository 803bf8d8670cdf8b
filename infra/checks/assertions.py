"""What we ask of our own template beyond what linters know. Each rule is a function that yields its faults."""

import json
import re
import sys

from template import ROOT, Project, as_list, target

# Functions that strangers call, and why they may.
PUBLIC = {
    "validate": "API servers show a licence's code, a lease or a machine's signature",
    "marketplace": "buyers come from AWS's console with a token that proves them; servers show a lease",
    "register": "whoever wants a trial is a stranger, and proves an address by reading its mail",
}
# Actions that take no resource but `*`, and why they are granted.
STAR_RESOURCES = {
    "xray:PutTelemetryRecords": "X-Ray knows no resources",
    "xray:PutTraceSegments": "X-Ray knows no resources",
} | {
    f"aws-marketplace:{action}": "AWS Marketplace knows no resources"
    for action in ["BatchMeterUsage", "DescribeAgreement", "GetAgreementEntitlements", "GetAgreementTerms", "GetEntitlements", "ResolveCustomer", "SearchAgreements"]
}
# What the platform does in a function's name; the function itself calls everything else.
PLATFORM = ("logs:", "sqs:", "xray:")
# The property that would name a resource.
PHYSICAL_NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SecretsManager::Secret": "Name",
}
TAGGED = [
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
]
# Who calls a function without waiting for its answer.
ASYNCHRONOUS = ("events.amazonaws.com", "s3.amazonaws.com", "scheduler.amazonaws.com", "sns.amazonaws.com")

RULES = {}


def rule(title):
    def register(function):
        RULES[function.__name__] = (title, function)
        return function

    return register


# ------------------------------------------------------------------------------------------------------------ functions


@rule("every function has a role of its own, which Lambda alone assumes and no managed policy widens")
def roles(project):
    seen = {}
    known = project.of_type("AWS::IAM::Role")
    for name, properties, _ in project.lambdas():
        role = target(properties.get("Role"))
        if role != f"{name}Role" or role not in known:
            yield f"{name} runs as {role}, not as {name}Role"
            continue
        if role in seen:
            yield f"{name} and {seen[role]} share {role}"
        seen[role] = name
        of = known[role]["Properties"]
        if of.get("ManagedPolicyArns"):
            yield f"{role} has managed policies: write out what it may do"
        for statement in as_list(of["AssumeRolePolicyDocument"]["Statement"]):
            if statement.get("Principal") != {"Service": "lambda.amazonaws.com"}:
                yield f"{role} can be assumed by {statement.get('Principal')}"


@rule("every function has a log group of its own with an end, JSON lines, and no platform lines below WARN")
def logs(project):
    groups = project.of_type("AWS::Logs::LogGroup")
    for name, properties, _ in project.lambdas():
        config = properties.get("LoggingConfig", {})
        group = target(config.get("LogGroup"))
        if group != f"{name}Logs" or group not in groups:
            yield f"{name} logs to {group}, not to {name}Logs"
        wanted = {"LogFormat": "JSON", "SystemLogLevel": "WARN", "ApplicationLogLevel": "TRACE"}
        for key, value in wanted.items():
            if config.get(key) != value:
                yield f"{name}: {key} is {config.get(key)}, not {value}"
    for name, group in groups.items():
        if "RetentionInDays" not in group["Properties"]:
            yield f"{name} keeps its lines for ever"


@rule("every function runs on provided.al2023, is traced as asked, and answers before Lambda's timeout")
def runtime(project):
    limit = re.search(r"TIME_LIMIT: Duration = Duration::from_secs\((\d+)\)", project.texts["shared/service/src/http/envelope.rs"])
    if not limit:
        yield "envelope.rs names no TIME_LIMIT any more: mend this rule"
        return
    for name, properties, _ in project.lambdas():
        for key, value in {"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": [{"Ref": "Architecture"}], "TracingConfig": {"Mode": {"Ref": "Tracing"}}}.items():
            if properties.get(key) != value:
                yield f"{name}: {key} is {properties.get(key)}, not {value}"
        if not properties.get("Timeout", 3) > int(limit[1]):
            yield f"{name} ends after {properties.get('Timeout', 3)} s, its handlers answer within {limit[1]} s: the caller would see a bare 502"
        if not properties.get("MemorySize"):
            yield f"{name} has no MemorySize"


@rule("every function gets the environment that config.rs reads, and nothing else")
def environment(project):
    config = project.texts["shared/service/src/config.rs"].split("#[cfg(test)]")[0]
    required = set(re.findall(r'required\(\s*"(MARQUE_\w+)"', config))
    optional = set(re.findall(r'(?:variable\)?|optional)\(\s*"(MARQUE_\w+)"', config))
    if not required:
        yield "config.rs requires no MARQUE_ variable any more: mend this rule"
    for name, properties, _ in project.lambdas():
        given = set(properties.get("Environment", {}).get("Variables", {}))
        for missing in sorted(required - given):
            yield f"{name} misses {missing}"
        for unknown in sorted(given - required - optional):
            yield f"{name} is given {unknown}, which nobody reads"


@rule("every function that is packaged is deployed, from its own archive")
def packages(project):
    deployed = []
    for name, _, folder in project.lambdas():
        uri = project.source["Resources"][name]["Properties"].get("CodeUri")
        if uri != f"../target/lambda/{folder}/bootstrap.zip":
            yield f"{name} comes from {uri}, not from ../target/lambda/<function>/bootstrap.zip"
        deployed.append(folder)
    for missing in sorted(set(project.functions) - set(deployed)):
        yield f"functions/{missing} has no block in the template"
    for stray in sorted(set(deployed) - set(project.functions)):
        yield f"the template deploys {stray}, and there is no functions/{stray}"


@rule("a URL without authentication has both permissions and belongs to a public function; one with IAM has none")
def urls(project):
    permissions = [r["Properties"] for r in project.of_type("AWS::Lambda::Permission").values()]
    folders = {name: folder for name, _, folder in project.lambdas()}
    for url in project.of_type("AWS::Lambda::Url").values():
        name = target(url["Properties"]["TargetFunctionArn"])
        mine = [p for p in permissions if target(p["FunctionName"]) == name and p["Principal"] == "*"]
        public = url["Properties"]["AuthType"] == "NONE"
        if public and folders.get(name) not in PUBLIC:
            yield f"{name} is open to everybody, and PUBLIC gives no reason"
        if not public and mine:
            yield f"{name} asks for IAM, and is open to everybody by a permission"
        if public and not any(p["Action"] == "lambda:InvokeFunctionUrl" and p.get("FunctionUrlAuthType") == "NONE" for p in mine):
            yield f"{name}: the permission lambda:InvokeFunctionUrl is missing, its URL would answer 403"
        if public and not any(p["Action"] == "lambda:InvokeFunction" and p.get("InvokedViaFunctionUrl") is True for p in mine):
            yield f"{name}: the permission lambda:InvokeFunction by its URL is missing, its URL would answer 403"
    for permission in permissions:
        if permission["Principal"] == "*" and permission["Action"] == "lambda:InvokeFunction" and not permission.get("InvokedViaFunctionUrl"):
            yield f"everybody may invoke {target(permission['FunctionName'])}, not only by its URL"


@rule("public functions can be given a ceiling")
def ceilings(project):
    urls_of = {target(url["Properties"]["TargetFunctionArn"]) for url in project.of_type("AWS::Lambda::Url").values()}
    wanted = {"Fn::If": ["HasCeiling", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]}
    for name, properties, _ in project.lambdas():
        if name in urls_of and properties.get("ReservedConcurrentExecutions") != wanted:
            yield f"{name} has a URL and does not heed ReservedConcurrency"


@rule("what is asynchronous has a dead-letter queue, and failed items of a batch are told apart")
def dead_letters(project):
    resources = project.translated["Resources"]
    configs = {target(r["Properties"]["FunctionName"]): r["Properties"] for r in project.of_type("AWS::Lambda::EventInvokeConfig").values()}
    for permission in project.of_type("AWS::Lambda::Permission").values():
        principal, name = permission["Properties"]["Principal"], target(permission["Properties"]["FunctionName"])
        if principal in ASYNCHRONOUS:
            on_failure = configs.get(name, {}).get("DestinationConfig", {}).get("OnFailure")
            if not resources[name]["Properties"].get("DeadLetterConfig") and not on_failure:
                yield f"{name} is called by {principal} and has no dead-letter queue"
    for name, schedule in project.of_type("AWS::Scheduler::Schedule").items():
        if not schedule["Properties"]["Target"].get("DeadLetterConfig"):
            yield f"{name} has no dead-letter queue"
    for name, events in project.of_type("AWS::Events::Rule").items():
        for one in events["Properties"].get("Targets", []):
            if not one.get("DeadLetterConfig"):
                yield f"{name} has a target without a dead-letter queue"
    for name, mapping in project.of_type("AWS::Lambda::EventSourceMapping").items():
        if "ReportBatchItemFailures" not in mapping["Properties"].get("FunctionResponseTypes", []):
            yield f"{name} deletes failed items: it lacks ReportBatchItemFailures"


@rule("every queue has a dead-letter queue or is one, waits long enough, and has its alarm")
def queues(project):
    all_queues = project.of_type("AWS::SQS::Queue")
    dead = {target(q["Properties"].get("RedrivePolicy", {}).get("deadLetterTargetArn")) for q in all_queues.values()}
    watched = {(a["Properties"].get("MetricName"), target(d["Value"])) for a in project.of_type("AWS::CloudWatch::Alarm").values() for d in a["Properties"].get("Dimensions", [])}
    timeouts = {name: properties.get("Timeout", 3) for name, properties, _ in project.lambdas()}
    for name, queue in all_queues.items():
        is_dead = name in dead or name.endswith("DeadLetters")
        if not is_dead and "RedrivePolicy" not in queue["Properties"]:
            yield f"{name} has no dead-letter queue"
        metric = "ApproximateNumberOfMessagesVisible" if is_dead else "ApproximateAgeOfOldestMessage"
        if (metric, name) not in watched:
            yield f"{name} has no alarm on {metric}"
    for mapping in project.of_type("AWS::Lambda::EventSourceMapping").values():
        queue = target(mapping["Properties"].get("EventSourceArn"))
        needed = 6 * timeouts.get(target(mapping["Properties"]["FunctionName"]), 3)
        if queue in all_queues and all_queues[queue]["Properties"].get("VisibilityTimeout", 30) < needed:
            yield f"{queue}: VisibilityTimeout must be at least six times the function's timeout, {needed} s"


@rule("every queue is encrypted, takes messages from its rule alone, and a function reads a bounded number at once")
def queue_safety(project):
    for name, queue in project.of_type("AWS::SQS::Queue").items():
        if queue["Properties"].get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not encrypted"
        if queue["Properties"].get("MessageRetentionPeriod") != FORTNIGHT:
            yield f"{name} does not keep its messages for 14 days"
    for name, policy in project.of_type("AWS::SQS::QueuePolicy").items():
        for statement in as_list(policy["Properties"]["PolicyDocument"]["Statement"]):
            if statement["Effect"] == "Allow" and not statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn"):
                yield f"{name} lets anybody's rule in: it lacks aws:SourceArn"
    for name, mapping in project.of_type("AWS::Lambda::EventSourceMapping").items():
        if not mapping["Properties"].get("ScalingConfig", {}).get("MaximumConcurrency"):
            yield f"{name} has no MaximumConcurrency"


# ---------------------------------------------------------------------------------------------------- AWS Marketplace

FORTNIGHT = 14 * 86400
SOURCE = ["aws.agreement-marketplace"]


@rule("every event of the seller's agreements goes to the queue, whatever kind it is, and the seller's account alone sends")
def agreement_events(project):
    rules = {name: r["Properties"] for name, r in project.of_type("AWS::Events::Rule").items() if r["Properties"].get("EventPattern")}
    if not any(r["EventPattern"].get("source") == SOURCE for r in rules.values()):
        yield "no rule takes the events of AWS Marketplace"
    for name, r in rules.items():
        if set(r["EventPattern"]) != {"source", "account"}:
            yield f"{name} must choose by source and account alone: AWS makes new kinds of events"
        for one in r["Targets"]:
            if target(one["Arn"]) not in project.of_type("AWS::SQS::Queue"):
                yield f"{name} does not send to a queue"
    for name, bus in project.of_type("AWS::Events::EventBusPolicy").items():
        statement = bus["Properties"]["Statement"]
        if "SellerRoleArn" not in json.dumps(statement["Principal"]) or statement["Action"] != "events:PutEvents":
            yield f"{name} opens the bus to others than the seller's account"
        if bus.get("Condition") != "HasSellerRole":
            yield f"{name} opens the bus where nobody else sells"


def asked(project):
    """What the functions ask AWS Marketplace, when they ask by themselves."""
    actions = {a for _, s in statements(project) for a in as_list(s.get("Action", []))}
    return {a for a in actions if a.startswith("aws-marketplace:")}


@rule("the post in us-east-1 sends every event home by its role, keeps what it cannot send, and archives all")
def post_forwards(project):
    resources = project.post["Resources"]
    of_type = lambda kind: {name: r for name, r in resources.items() if r["Type"] == kind}
    if project.post.get("Rules", {}).get("Region", {}).get("Assertions", [{}])[0].get("Assert") != {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}:
        yield "it can be deployed to other regions, where no event ever comes"
    rules = of_type("AWS::Events::Rule")
    if len(rules) != 1:
        yield f"there are {len(rules)} rules, not one"
    for name, r in rules.items():
        properties = r["Properties"]
        if properties["EventPattern"] != {"source": SOURCE, "account": [{"Ref": "AWS::AccountId"}]}:
            yield f"{name} must take every event of this source and account, of whatever kind"
        for one in properties["Targets"]:
            if one["Arn"] != {"Ref": "HomeBusArn"}:
                yield f"{name} sends elsewhere than home"
            role = resources.get(target(one.get("RoleArn")), {}).get("Properties", {})
            trusted = [s.get("Principal") for s in role.get("AssumeRolePolicyDocument", {}).get("Statement", [])]
            if trusted != [{"Service": "events.amazonaws.com"}]:
                yield f"{name}: its role is missing, or others than EventBridge assume it"
            granted = [(s["Action"], s["Resource"]) for p in role.get("Policies", []) for s in p["PolicyDocument"]["Statement"]]
            if granted != [("events:PutEvents", {"Ref": "HomeBusArn"})]:
                yield f"{name}: its role may do something else than put events at home"
            if target(one.get("DeadLetterConfig", {}).get("Arn")) not in of_type("AWS::SQS::Queue"):
                yield f"{name} loses what it cannot send"
            if one.get("RetryPolicy", {}).get("MaximumEventAgeInSeconds") != 86400:
                yield f"{name} does not try for a day"
    for name, queue in of_type("AWS::SQS::Queue").items():
        if queue["Properties"].get("SqsManagedSseEnabled") is not True or queue["Properties"].get("MessageRetentionPeriod") != FORTNIGHT:
            yield f"{name} is not encrypted, or does not keep its messages for 14 days"
        if not any(target(d["Value"]) == name for a in of_type("AWS::CloudWatch::Alarm").values() for d in a["Properties"]["Dimensions"]):
            yield f"{name} has no alarm"
    for name, policy in of_type("AWS::SQS::QueuePolicy").items():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow" and target(statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn")) not in rules:
                yield f"{name} lets anybody's rule in"
    archives = of_type("AWS::Events::Archive")
    if not any(a["Properties"]["EventPattern"] == {"source": SOURCE} and a["Properties"].get("RetentionDays") for a in archives.values()):
        yield "nothing is archived, or for ever"


@rule("the seller's role is assumed from the home account with the issuer as external id, and asks what the functions ask")
def seller_role(project):
    role = project.post["Resources"].get("SellerRole", {}).get("Properties", {})
    for statement in role.get("AssumeRolePolicyDocument", {}).get("Statement", [{}]):
        if statement.get("Condition") != {"StringEquals": {"sts:ExternalId": {"Ref": "Issuer"}}}:
            yield "SellerRole is assumed without the issuer as external id"
        if "HomeBusArn" not in json.dumps(statement.get("Principal")):
            yield "SellerRole is assumed from elsewhere than the home account"
    granted = {a for p in role.get("Policies", []) for s in p["PolicyDocument"]["Statement"] for a in as_list(s["Action"])}
    wanted = asked(project)
    for missing in sorted(wanted - granted):
        yield f"SellerRole lacks {missing}, which a function asks"
    # Usage is reported by a function of its own.
    for idle in sorted(granted - wanted - {"aws-marketplace:BatchMeterUsage"}):
        yield f"SellerRole grants {idle}, which no function asks"
    for where, statement in statements(project):
        if "sts:AssumeRole" in as_list(statement.get("Action", [])) and "Principal" not in statement and statement["Resource"] != {"Ref": "SellerRoleArn"}:
            yield f"{where} may assume other roles than the seller's"


# --------------------------------------------------------------------------------------------------------------- alarms


@rule("usage is reported each minute, by meter alone, and alarms tell before it is lost")
def metering(project):
    reports = {where.split("/")[0] for where, s in statements(project) if "aws-marketplace:BatchMeterUsage" in as_list(s.get("Action", []))}
    if reports != {"MeterRole"}:
        yield f"usage is reported by {sorted(reports)}: one sender keeps the rate, and bills once"
    if not any(r["Properties"].get("ScheduleExpression") == "rate(1 minute)" for r in project.of_type("AWS::Events::Rule").values()):
        yield "nothing runs each minute: the last hour of an ended agreement would be late"
    ages = sorted(a["Properties"]["Threshold"] for a in project.of_type("AWS::CloudWatch::Alarm").values() if a["Properties"].get("MetricName") == "OldestUnsent")
    if ages != [6 * 3600, 18 * 3600]:
        yield f"unsent usage is told of at {ages} seconds: 6 and 18 hours leave a person time within AWS's 24"


@rule("every function has its alarms: errors, throttles, slow calls before the timeout, 5xx of its URL")
def function_alarms(project):
    alarms = [a["Properties"] for a in project.of_type("AWS::CloudWatch::Alarm").values()]
    urls_of = {target(url["Properties"]["TargetFunctionArn"]) for url in project.of_type("AWS::Lambda::Url").values()}
    for name, properties, _ in project.lambdas():
        mine = [a for a in alarms if a.get("Namespace") == "AWS/Lambda" and any(target(d["Value"]) == name for d in a.get("Dimensions", []))]
        metrics = {a["MetricName"]: a for a in mine}
        for metric in ["Errors", "Throttles", "Duration"] + (["Url5xxCount"] if name in urls_of else []):
            if metric not in metrics:
                yield f"{name} has no alarm on {metric}"
        slow = metrics.get("Duration")
        if slow and (slow.get("ExtendedStatistic") != "p99" or not slow["Threshold"] < 1000 * properties.get("Timeout", 3)):
            yield f"{name}: the alarm on Duration must be on p99, below the timeout"


@rule("the table has alarms on throttles and on DynamoDB's own errors, and the keys on their end")
def shared_alarms(project):
    alarms = project.of_type("AWS::CloudWatch::Alarm")
    text = json.dumps([a["Properties"] for a in alarms.values()])
    for metric in ["ReadThrottleEvents", "WriteThrottleEvents", "SystemErrors"]:
        if f'"{metric}"' not in text:
            yield f"there is no alarm on the table's {metric}"
    ends = [a["Properties"] for a in alarms.values() if (a["Properties"].get("Namespace"), a["Properties"].get("MetricName")) == ("Marque", "KeyDaysLeft")]
    if not ends or any((a["Statistic"], a["ComparisonOperator"], a["Threshold"]) != ("Minimum", "LessThanThreshold", 14) for a in ends):
        yield "there is no alarm on Marque/KeyDaysLeft below 14 days"


@rule("whoever verifies proofs has alarms on the end of its trust data, and on sources that it cannot fetch from")
def proof_alarms(project):
    alarms = [a["Properties"] for a in project.of_type("AWS::CloudWatch::Alarm").values()]
    ends = [a for a in alarms if a.get("MetricName") == "TrustDaysLeft"]
    if not ends or any((a["Statistic"], a["ComparisonOperator"], a["Threshold"]) != ("Minimum", "LessThanThreshold", 90) for a in ends):
        yield "there is no alarm on Marque/TrustDaysLeft below 90 days"
    code = "PROOF_SOURCE_UNAVAILABLE"
    watched = [{d["Name"]: d["Value"] for d in a.get("Dimensions", [])} for a in alarms if a.get("MetricName") == "Requests"]
    if not any(w.get("Code") == code and w.get("Route") == "/v1/registrations" and target(w.get("Function")) == "Register" for w in watched):
        yield f"there is no alarm on {code}"
    if f'"{code}"' not in project.texts["shared/clouds/src/proof.rs"]:
        yield f"no proof is refused with {code} any more"


@rule("every alarm says what it means, tells the topic when it comes and goes, and does not fire for silence")
def alarms_act(project):
    topics = project.of_type("AWS::SNS::Topic")
    for name, alarm in project.of_type("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm").items():
        properties = alarm["Properties"]
        for actions in ["AlarmActions", "OKActions"]:
            if not any(target(action) in topics for action in properties.get(actions, [])):
                yield f"{name}: {actions} tells nobody"
        if not properties.get("AlarmDescription"):
            yield f"{name} has no description"
        if alarm["Type"] == "AWS::CloudWatch::Alarm" and properties.get("TreatMissingData") != "notBreaching":
            yield f"{name}: TreatMissingData must be notBreaching, a quiet night is no fault"


@rule("the dashboard is well formed and shows every alarm, function and log group")
def dashboard(project):
    boards = project.of_type("AWS::CloudWatch::Dashboard")
    if not boards:
        yield "there is no dashboard"
    for name, board in boards.items():
        body = board["Properties"]["DashboardBody"]["Fn::Sub"]
        body = body[0] if isinstance(body, list) else body
        try:
            json.loads(re.sub(r"\$\{[^}]*\}", "x", body))
        except ValueError as error:
            yield f"{name} is no JSON: {error}"
        for alarm in project.of_type("AWS::CloudWatch::Alarm"):
            if f"${{{alarm}.Arn}}" not in body:
                yield f"{name} does not show {alarm}"
        for shown in [*project.of_type("AWS::Lambda::Function"), *project.of_type("AWS::Logs::LogGroup")]:
            if f"${{{shown}}}" not in body:
                yield f"{name} does not show {shown}"


@rule("the service sends every metric of its own that an alarm or the dashboard looks at")
def own_metrics(project):
    code = project.texts["shared/service/src/telemetry.rs"].split("#[cfg(test)]")[0]
    namespace = constants(code).get("NAMESPACE")
    looked_at = {a["Properties"]["MetricName"] for a in project.of_type("AWS::CloudWatch::Alarm").values() if not a["Properties"].get("Namespace", "AWS/").startswith("AWS/")}
    for board in project.of_type("AWS::CloudWatch::Dashboard").values():
        body = board["Properties"]["DashboardBody"]["Fn::Sub"]
        body = body[0] if isinstance(body, list) else body
        for widget in json.loads(re.sub(r"\$\{[^}]*\}", "x", body))["widgets"]:
            last = None
            for row in widget["properties"].get("metrics", []):
                if isinstance(row[0], dict):
                    looked_at |= set(re.findall(r'MetricName="(\w+)"', row[0].get("expression", "")))
                    if f"{{{namespace}," not in row[0].get("expression", ""):
                        yield f"the dashboard searches in another namespace than {namespace}"
                    continue
                last = last if row[0] in (".", "...") else row[0]
                if last == namespace:
                    looked_at.add(row[1])
    for name in sorted(looked_at):
        if f'"{name}"' not in code:
            yield f"telemetry.rs sends no {name}"
    for alarm, resource in project.of_type("AWS::CloudWatch::Alarm").items():
        if not resource["Properties"].get("Namespace", "AWS/").startswith("AWS/") and resource["Properties"]["Namespace"] != namespace:
            yield f"{alarm} looks at another namespace than {namespace}"


# -------------------------------------------------------------------------------------------------------- table and keys


def constants(text):
    return dict(re.findall(r'const (\w+): &str = "([^"]+)";', text))


@rule("the table's keys, index and TTL are those that the store makes and relies on")
def table_shape(project):
    code = project.texts["shared/store/src/table.rs"]
    names = constants(project.texts["shared/store/src/keys.rs"]) | constants(code)
    try:
        pk, sk, ttl = names["PK"], names["SK"], names["TTL_ATTRIBUTE"]
        index, index_pk, index_sk = names["INDEX_NAME"], names["INDEX_PK"], names["INDEX_SK"]
    except KeyError as missing:
        yield f"the store has no constant {missing} any more: mend this rule"
        return
    if "ProjectionType::KeysOnly" not in code or "BillingMode::PayPerRequest" not in code or "ScalarAttributeType::S" not in code:
        yield "the store makes another kind of table or index: mend this rule and the template"
    keys = lambda schema: [(k["AttributeName"], k["KeyType"]) for k in schema]
    tables = project.of_type("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable")
    if len(tables) != 1:
        yield f"there are {len(tables)} tables, not one"
    for name, table in tables.items():
        properties = table["Properties"]
        wanted = {
            "keys": (keys(properties["KeySchema"]), [(pk, "HASH"), (sk, "RANGE")]),
            "attributes": (
                sorted((a["AttributeName"], a["AttributeType"]) for a in properties["AttributeDefinitions"]),
                sorted((a, "S") for a in [pk, sk, index_pk, index_sk]),
            ),
            "indexes": (
                [(i["IndexName"], keys(i["KeySchema"]), i["Projection"]["ProjectionType"]) for i in properties.get("GlobalSecondaryIndexes", [])],
                [(index, [(index_pk, "HASH"), (index_sk, "RANGE")], "KEYS_ONLY")],
            ),
            "time to live": (properties.get("TimeToLiveSpecification"), {"AttributeName": ttl, "Enabled": True}),
            "billing": (properties.get("BillingMode"), "PAY_PER_REQUEST"),
        }
        for what, (found, expected) in wanted.items():
            if found != expected:
                yield f"{name}: its {what} are {found}; the store makes {expected}"


# The secret that the operator stores.
RING = "KeyRing"


def irreplaceable(project):
    """What cannot be made again. A secret that chance draws can."""
    kept = project.of_type("AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::SecretsManager::Secret")
    return {name: r for name, r in kept.items() if "GenerateSecretString" not in r["Properties"] or name == RING}


@rule("the table is recoverable, protected, encrypted, and outlives the stack")
def table_safety(project):
    for name, table in project.of_type("AWS::DynamoDB::Table").items():
        properties = table["Properties"]
        if properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled") is not True:
            yield f"{name} has no point-in-time recovery"
        if properties.get("DeletionProtectionEnabled") is not True:
            yield f"{name} has no deletion protection"
        if properties.get("SSESpecification", {}).get("SSEEnabled") is not True:
            yield f"{name}: SSE is not on"
    for name, kept in irreplaceable(project).items():
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"]:
            if kept.get(policy) != "Retain":
                yield f"{name}: {policy} is {kept.get(policy)}, not Retain"


@rule("the ring's secret is made empty, and the file key signs Ed25519 over raw messages and nothing else")
def keys_safety(project):
    for name, secret in project.of_type("AWS::SecretsManager::Secret").items():
        properties = secret["Properties"]
        if "SecretString" in properties:
            yield f"{name}: its value stands in the template"
        if name == RING and "GenerateSecretString" in properties:
            yield f"{name}: what is generated would look like a ring, and could be put over the real one"
        if name != RING and properties.get("GenerateSecretString", {}).get("PasswordLength", 0) < 43:
            yield f"{name}: nobody stores it, so chance must draw at least 43 characters"
    only = {"StringEquals": {"kms:SigningAlgorithm": "ED25519_SHA_512", "kms:MessageType": "RAW"}}
    for name, key in project.of_type("AWS::KMS::Key").items():
        properties = key["Properties"]
        if (properties.get("KeySpec"), properties.get("KeyUsage")) != ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"):
            yield f"{name} is no Ed25519 key for signing"
    for where, statement in statements(project):
        if "kms:Sign" in as_list(statement.get("Action", [])) and statement.get("Condition") != only:
            yield f"{where} may sign in other ways than Ed25519 over raw messages"


@rule("the stack's policy forbids replacing and deleting what must outlive it")
def stack_policy(project):
    policy = json.loads(project.texts["infra/stack-policy.json"] or '{"Statement": []}')
    denied = {r for s in policy["Statement"] if s["Effect"] == "Deny" and {"Update:Replace", "Update:Delete"} <= set(s["Action"]) for r in as_list(s["Resource"])}
    kept = {f"LogicalResourceId/{name}" for name in irreplaceable(project)}
    for missing in sorted(kept - denied):
        yield f"stack-policy.json does not protect {missing}"
    for stray in sorted(denied - kept):
        yield f"stack-policy.json protects {stray}, which is not there"


# -------------------------------------------------------------------------------------------------------------- policies


def statements(project):
    """Every statement of every policy, with where it stands."""
    for name, resource in project.translated["Resources"].items():
        properties = resource.get("Properties", {})
        documents = [(f"{name}/{p['PolicyName']}", p["PolicyDocument"]) for p in properties.get("Policies", []) if isinstance(p, dict) and "PolicyDocument" in p]
        # A policy that a condition adds to a role stands beside it.
        owner = f"{target(properties['RoleName'])}/{properties['PolicyName']}" if resource["Type"] == "AWS::IAM::RolePolicy" else name
        documents += [(owner, properties[key]) for key in ["PolicyDocument", "KeyPolicy"] if key in properties]
        for where, document in documents:
            for statement in as_list(document["Statement"]):
                yield where, statement


@rule("no policy grants a star of actions, or all but some")
def star_actions(project):
    for where, statement in statements(project):
        for action in as_list(statement.get("Action", [])):
            if "*" in action or "?" in action:
                yield f"{where} grants {action}"
        for inverted in ["NotAction", "NotResource", "NotPrincipal"]:
            if inverted in statement:
                yield f"{where} uses {inverted}"


@rule("no policy grants all resources, but for actions that know none")
def star_resources(project):
    for where, statement in statements(project):
        if project.translated["Resources"][where.split("/")[0]]["Type"] == "AWS::KMS::Key":
            continue  # in a key's own policy `*` is the key
        if any(isinstance(r, str) and "*" in r for r in as_list(statement.get("Resource", "*"))):
            for action in as_list(statement.get("Action", [])):
                if action not in STAR_RESOURCES:
                    yield f"{where} grants {action} on every resource, and STAR_RESOURCES gives no reason"


@rule("the table is opened by action and by leading key: the keys that the store knows, and never a scan")
def leading_keys(project):
    code = project.texts["shared/store/src/keys.rs"]
    known = {k + "*" for k in re.findall(r'format!\("(\w+#)', code)} | set(re.findall(r'Key::new\("(\w+)"', code))
    known |= set(re.findall(r'const \w+: &str = "([A-Z]+)";', code)) | {k + "*" for k in re.findall(r'const \w+: &str = "([A-Z]+#)";', code)}
    if len(known) < 5:
        yield "keys.rs builds its keys in another way: mend this rule"
    harmless = ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem", "Query", "BatchGetItem", "BatchWriteItem")
    for where, statement in statements(project):
        actions = [a.split(":")[1] for a in as_list(statement.get("Action", [])) if a.startswith("dynamodb:")]
        for action in actions:
            if action not in harmless:
                yield f"{where} grants dynamodb:{action}, which heeds no leading key"
        if not actions or "/index/" in json.dumps(statement["Resource"]):
            continue
        keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        if not keys:
            yield f"{where}/{statement.get('Sid')} opens the whole table: name the leading keys"
        for key in as_list(keys or []):
            if key not in known:
                yield f"{where}/{statement.get('Sid')} names the leading key {key}, which the store does not make"


@rule("every statement of a policy has a name")
def statement_names(project):
    for where, statement in statements(project):
        if not statement.get("Sid"):
            yield f"{where} has a statement without a Sid"


# --------------------------------------------------------------------------------------------------- what operators meet


@rule("the log levels on offer are those that the functions take")
def log_levels(project):
    taken = re.findall(r'"(\w+)" => Some\(Level::', project.texts["shared/service/src/config.rs"])
    offered = project.source["Parameters"]["LogLevel"]["AllowedValues"]
    if not taken or sorted(offered) != sorted(taken):
        yield f"LogLevel offers {offered}, and config.rs takes {taken}"


@rule("at most ten parameters, each described, checked, grouped; one without a default")
def parameters(project):
    given = project.source["Parameters"]
    if len(given) > 10:
        yield f"there are {len(given)} parameters"
    interface = project.source["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [p for group in interface["ParameterGroups"] for p in group["Parameters"]]
    for name, parameter in given.items():
        if not parameter.get("Description"):
            yield f"{name} has no description"
        if not {"AllowedPattern", "AllowedValues", "MinValue"} & set(parameter):
            yield f"{name} takes anything"
        if not parameter.get("ConstraintDescription"):
            yield f"{name} does not say what it takes"
        if grouped.count(name) != 1 or name not in interface["ParameterLabels"]:
            yield f"{name} is not in one group with a label"
        pattern, default = parameter.get("AllowedPattern"), parameter.get("Default")
        if pattern and default is not None and not re.search(pattern, str(default)):
            yield f"{name}: its default is not allowed"
    open_ones = [name for name, parameter in given.items() if "Default" not in parameter]
    if len(open_ones) > 1:
        yield f"{', '.join(open_ones)} have no default"


@rule("nothing has a physical name, so that two stacks live in one account")
def physical_names(project):
    for name, resource in project.translated["Resources"].items():
        named = PHYSICAL_NAMES.get(resource["Type"])
        if named in resource.get("Properties", {}):
            yield f"{name} has a {named}"
    for name, output in project.translated.get("Outputs", {}).items():
        if "Export" in output:
            yield f"the output {name} is exported by a name"


@rule("everything that can carry tags says what it belongs to")
def tags(project):
    for name, resource in project.of_type(*TAGGED).items():
        found = {t["Key"]: t["Value"] for t in resource["Properties"].get("Tags", [])}
        if found.get("application") != "marque" or found.get("stack") != {"Ref": "AWS::StackName"}:
            yield f"{name} lacks the tags application and stack"


@rule("every output is described; each URL, the table, the dashboard and the first command are among them")
def outputs(project):
    given = project.translated.get("Outputs", {})
    for name, output in given.items():
        if not output.get("Description"):
            yield f"{name} has no description"
    values = json.dumps([output["Value"] for output in given.values()])
    for name in [*project.of_type("AWS::Lambda::Url"), *project.of_type("AWS::DynamoDB::Table", "AWS::KMS::Key")]:
        if f'"{name}"' not in values:
            yield f"no output tells of {name}"
    for needed in ["FirstCommand", "DashboardLink"]:
        if needed not in given:
            yield f"there is no output {needed}"


@rule("samconfig.toml names no account, region, bucket or person")
def samconfig(project):
    text = project.texts["infra/samconfig.toml"]
    if "CAPABILITY_IAM" not in text:
        yield "samconfig.toml does not ask for CAPABILITY_IAM"
    for what, pattern in {"an account": r"\d{12}", "a region": r"^region\b", "a bucket": r"^s3_bucket\b", "a person": r"[^\s@]+@[^\s@]+", "a profile": r"^profile\b"}.items():
        if re.search(pattern, text, re.M):
            yield f"samconfig.toml names {what}"


@rule("docs/operating.md tells of every alarm, parameter and output")
def guide(project):
    text = project.texts["docs/operating.md"]
    alarms = project.of_type("AWS::CloudWatch::Alarm")
    for kind, names in {"alarm": alarms, "parameter": project.source["Parameters"], "output": project.translated.get("Outputs", {})}.items():
        for name in names:
            if f"`{name}`" not in text:
                yield f"the {kind} {name} is not explained"


@rule("every function has example events, of the shape that function URLs send")
def events(project):
    urls_of = {target(url["Properties"]["TargetFunctionArn"]) for url in project.of_type("AWS::Lambda::Url").values()}
    for name, _, folder in project.lambdas():
        mine = {path: text for path, text in project.texts.items() if path.startswith(f"functions/{folder}/events/")}
        if not mine:
            yield f"functions/{folder}/events has no example"
        for path, text in mine.items():
            try:
                event = json.loads(text)
            except ValueError as error:
                yield f"{path} is no JSON: {error}"
                continue
            if name in urls_of and not (event.get("version") == "2.0" and {"rawPath", "headers", "requestContext", "isBase64Encoded"} <= set(event)):
                yield f"{path} is no payload 2.0 of a function URL"


@rule("every exception from checkov has its reason")
def exceptions(project):
    for line in project.texts["infra/checks/checkov.yaml"].splitlines():
        if re.match(r"\s+- CKV", line) and len(line.partition("#")[2].split()) < 5:
            yield f"{line.strip()} gives no reason"


def judge(project):
    """The faults of each rule."""
    return {name: list(function(project)) for name, (_, function) in RULES.items()}


def policies(project):
    """The actions that each function's policy grants for its own calls, by the function's folder."""
    granted = {}
    for name, properties, folder in project.lambdas():
        role = target(properties.get("Role"))
        actions = {a for where, s in statements(project) if where.split("/")[0] == role for a in as_list(s["Action"])}
        granted[folder] = sorted(a for a in actions if not a.startswith(PLATFORM))
    return granted


def main():
    project = Project.read()
    verdicts = judge(project)
    for name, faults in verdicts.items():
        print(f"{'FAIL' if faults else 'ok  '} {RULES[name][0]}")
        for fault in faults:
            print(f"       {fault}")
    failed = sum(1 for faults in verdicts.values() if faults)
    out = ROOT / "target/infra/policies.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(policies(project), indent=2) + "\n")
    print(f"{len(verdicts) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
