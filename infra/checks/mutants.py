"""Breaks the template, or what it must agree with, in one way at a time, and shows that the rule for it notices."""

import copy
import sys

from assertions import RULES
from template import Project, translate

MUTANTS = []


def mutant(caught_by, title, translated=False):
    """`translated`: the mutation is of the translated template, for what SAM itself adds."""

    def register(function):
        MUTANTS.append((caught_by, title, translated, function))
        return function

    return register


def resource(project, name):
    return project.source["Resources"][name]["Properties"]


def statement(project, policy, at):
    policies = {p["PolicyName"]: p for p in resource(project, "ValidateRole")["Policies"]}
    return policies[policy]["PolicyDocument"]["Statement"][at]


def replace(project, path, old, new):
    assert old in project.texts[path], f"{path} does not have {old!r}: mend the mutant"
    project.texts[path] = project.texts[path].replace(old, new)


@mutant("table_safety", "point-in-time recovery is gone")
def _(p):
    del resource(p, "Table")["PointInTimeRecoverySpecification"]


@mutant("table_safety", "deletion protection is off")
def _(p):
    resource(p, "Table")["DeletionProtectionEnabled"] = False


@mutant("table_safety", "the table is deleted with the stack")
def _(p):
    p.source["Resources"]["Table"]["DeletionPolicy"] = "Delete"


@mutant("table_safety", "the file key is deleted with the stack")
def _(p):
    del p.source["Resources"]["FileKey"]["UpdateReplacePolicy"]


@mutant("table_shape", "TTL is on another attribute")
def _(p):
    resource(p, "Table")["TimeToLiveSpecification"]["AttributeName"] = "ttl"


@mutant("table_shape", "the index is keyed the other way round")
def _(p):
    resource(p, "Table")["GlobalSecondaryIndexes"][0]["KeySchema"][0]["AttributeName"] = "due_at"


@mutant("table_shape", "the index carries all attributes")
def _(p):
    resource(p, "Table")["GlobalSecondaryIndexes"][0]["Projection"]["ProjectionType"] = "ALL"


@mutant("table_shape", "the store renames its partition key")
def _(p):
    replace(p, "shared/store/src/keys.rs", '"pk"', '"partition"')


@mutant("table_shape", "the store renames its TTL attribute")
def _(p):
    replace(p, "shared/store/src/table.rs", '"expires_at"', '"gone_at"')


@mutant("metering", "another function reports usage")
def _(p):
    policies = {x["PolicyName"]: x for x in resource(p, "SweepRole")["Policies"]}
    policies["keys"]["PolicyDocument"]["Statement"][0]["Action"] = ["secretsmanager:GetSecretValue", "aws-marketplace:BatchMeterUsage"]


@mutant("metering", "usage is reported every five minutes")
def _(p):
    resource(p, "Meter")["Events"]["Minute"]["Properties"]["Schedule"] = "rate(5 minutes)"


@mutant("metering", "usage is told of when it is lost")
def _(p):
    resource(p, "UsageNearlyLost")["Threshold"] = 86400


@mutant("star_actions", "a policy grants dynamodb:*")
def _(p):
    statement(p, "table", 0)["Action"] = "dynamodb:*"


@mutant("star_actions", "a policy grants all but one action")
def _(p):
    one = statement(p, "keys", 0)
    one["NotAction"] = one.pop("Action")


@mutant("star_actions", "the key's policy grants kms:*")
def _(p):
    resource(p, "FileKey")["KeyPolicy"]["Statement"][0]["Action"] = "kms:*"


@mutant("star_resources", "a policy reads every secret")
def _(p):
    statement(p, "keys", 0)["Resource"] = "*"


@mutant("leading_keys", "a policy may scan")
def _(p):
    statement(p, "table", 0)["Action"] = ["dynamodb:GetItem", "dynamodb:Scan"]


@mutant("leading_keys", "a policy opens the whole table")
def _(p):
    del statement(p, "table", 1)["Condition"]


@mutant("leading_keys", "a policy names a key that the store does not make")
def _(p):
    statement(p, "table", 1)["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] = ["LICENCE#*"]


@mutant("leading_keys", "the store renames its codes' key")
def _(p):
    replace(p, "shared/store/src/keys.rs", '"CODE#{}"', '"COUPON#{}"')


@mutant("statement_names", "a statement has no name")
def _(p):
    del statement(p, "signals", 0)["Sid"]


@mutant("roles", "a role has a managed policy")
def _(p):
    resource(p, "ValidateRole")["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"]


@mutant("roles", "a function runs as somebody else's role")
def _(p):
    resource(p, "Validate")["Role"] = "arn:aws:iam::123456789012:role/administrator"


@mutant("roles", "two functions share a role")
def _(p):
    p.source["Resources"]["Second"] = copy.deepcopy(p.source["Resources"]["Validate"])


@mutant("roles", "everybody may assume the role")
def _(p):
    resource(p, "ValidateRole")["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": "*"}


@mutant("logs", "the log group is dropped")
def _(p):
    del p.source["Resources"]["ValidateLogs"]
    del resource(p, "Validate")["LoggingConfig"]


@mutant("logs", "logs are kept for ever")
def _(p):
    del resource(p, "ValidateLogs")["RetentionInDays"]


@mutant("logs", "the platform's filter drops metrics")
def _(p):
    resource(p, "Validate")["LoggingConfig"]["ApplicationLogLevel"] = "WARN"


@mutant("runtime", "Lambda ends a call before the handler gives up")
def _(p):
    p.source["Globals"]["Function"]["Timeout"] = 9


@mutant("runtime", "another runtime")
def _(p):
    resource(p, "Validate")["Runtime"] = "provided.al2"


@mutant("environment", "a variable is missing")
def _(p):
    del p.source["Globals"]["Function"]["Environment"]["Variables"]["MARQUE_ISSUER"]


@mutant("environment", "a variable that nobody reads")
def _(p):
    p.source["Globals"]["Function"]["Environment"]["Variables"]["MARQUE_DEBUG"] = "1"


@mutant("environment", "the code requires one more variable")
def _(p):
    replace(p, "shared/service/src/config.rs", "#[cfg(test)]", 'reader.required("MARQUE_SENDER", …)\n#[cfg(test)]')


@mutant("packages", "a function is packaged and not deployed")
def _(p):
    p.functions.append("stowaway")


@mutant("packages", "the folder is deployed instead of the archive in it")
def _(p):
    resource(p, "Validate")["CodeUri"] = "../target/lambda/validate/"


@mutant("urls", "the second permission of the URL is missing", translated=True)
def _(p):
    del p.translated["Resources"]["ValidateURLInvokeAllowPublicAccess"]


@mutant("urls", "the first permission of the URL is missing", translated=True)
def _(p):
    del p.translated["Resources"]["ValidateUrlPublicPermissions"]


@mutant("urls", "everybody may invoke the function without its URL", translated=True)
def _(p):
    del p.translated["Resources"]["ValidateURLInvokeAllowPublicAccess"]["Properties"]["InvokedViaFunctionUrl"]


@mutant("urls", "a function is public without a reason")
def _(p):
    resource(p, "Validate")["CodeUri"] = "../target/lambda/admin/bootstrap.zip"


@mutant("ceilings", "a public function has no ceiling")
def _(p):
    del resource(p, "Validate")["ReservedConcurrentExecutions"]


@mutant("dead_letters", "a schedule calls a function without a dead-letter queue")
def _(p):
    resource(p, "Validate")["Events"] = {"Hourly": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 hour)"}}}


@mutant("dead_letters", "a queue's failed items are deleted")
def _(p):
    p.source["Resources"]["Inbox"] = {"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": {}}}
    resource(p, "Validate")["Events"] = {"Inbox": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Inbox", "Arn"]}}}}


@mutant("queues", "a queue has neither dead-letter queue nor alarm")
def _(p):
    p.source["Resources"]["Inbox"] = {"Type": "AWS::SQS::Queue", "Properties": {}}


@mutant("queue_safety", "a queue is not encrypted")
def _(p):
    del resource(p, "EventsQueue")["SqsManagedSseEnabled"]


@mutant("queue_safety", "dead letters are kept for four days")
def _(p):
    del resource(p, "EventsDeadLetters")["MessageRetentionPeriod"]


@mutant("queue_safety", "anybody's rule may put messages")
def _(p):
    del resource(p, "EventsQueuePolicy")["PolicyDocument"]["Statement"][0]["Condition"]


@mutant("queue_safety", "as many batches at once as Lambda likes")
def _(p):
    del resource(p, "Events")["Events"]["Agreements"]["Properties"]["ScalingConfig"]


@mutant("queues", "the queue shows its messages again while the function works")
def _(p):
    resource(p, "EventsQueue")["VisibilityTimeout"] = 300


@mutant("queues", "nobody hears of events that wait")
def _(p):
    del p.source["Resources"]["EventsBacklog"]


@mutant("agreement_events", "only the kinds of events that are known")
def _(p):
    resource(p, "AgreementEvents")["EventPattern"]["detail-type"] = ["License Updated - Manufacturer"]


@mutant("agreement_events", "the rule takes another source")
def _(p):
    resource(p, "AgreementEvents")["EventPattern"]["source"] = ["aws.marketplace"]


@mutant("agreement_events", "every account may put events")
def _(p):
    resource(p, "SellersBus")["Statement"]["Principal"] = "*"


@mutant("post_forwards", "the post takes what is known alone")
def _(p):
    p.post["Resources"]["Forward"]["Properties"]["EventPattern"]["detail-type"] = ["License Updated - Manufacturer"]


@mutant("post_forwards", "the post loses what it cannot send")
def _(p):
    del p.post["Resources"]["Forward"]["Properties"]["Targets"][0]["DeadLetterConfig"]


@mutant("post_forwards", "the post's role may put events anywhere")
def _(p):
    p.post["Resources"]["ForwardRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Resource"] = "*"


@mutant("post_forwards", "the post archives nothing")
def _(p):
    del p.post["Resources"]["Archive"]


@mutant("post_forwards", "the post is deployed to where no event comes")
def _(p):
    del p.post["Rules"]


@mutant("post_forwards", "nobody hears of what was not sent")
def _(p):
    del p.post["Resources"]["UndeliveredEvents"]


@mutant("seller_role", "the seller's role is assumed without an external id")
def _(p):
    del p.post["Resources"]["SellerRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]


@mutant("seller_role", "the seller's role cannot resolve tokens")
def _(p):
    actions = p.post["Resources"]["SellerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"]
    actions.remove("aws-marketplace:ResolveCustomer")


@mutant("seller_role", "the seller's role may cancel agreements")
def _(p):
    actions = p.post["Resources"]["SellerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"]
    actions.append("aws-marketplace:SendAgreementCancellationRequest")


@mutant("keys_safety", "sessions are signed with a short secret")
def _(p):
    resource(p, "SessionKey")["GenerateSecretString"]["PasswordLength"] = 32


@mutant("function_alarms", "no alarm on errors")
def _(p):
    resource(p, "ValidateErrors")["MetricName"] = "Invocations"


@mutant("function_alarms", "no alarm on 5xx")
def _(p):
    del p.source["Resources"]["ValidateFailures"]


@mutant("function_alarms", "the alarm on slow calls is beyond the timeout")
def _(p):
    resource(p, "ValidateSlow")["Threshold"] = 10000


@mutant("shared_alarms", "no alarm on throttled writes")
def _(p):
    resource(p, "TableThrottles")["Metrics"].pop()


@mutant("shared_alarms", "no alarm on the keys' end")
def _(p):
    del p.source["Resources"]["KeyEnds"]


@mutant("alarms_act", "an alarm tells nobody")
def _(p):
    del resource(p, "TableThrottles")["AlarmActions"]


@mutant("alarms_act", "an alarm fires for silence")
def _(p):
    resource(p, "ValidateErrors")["TreatMissingData"] = "breaching"


@mutant("dashboard", "the dashboard is no JSON")
def _(p):
    sub = resource(p, "Dashboard")["DashboardBody"]["Fn::Sub"]
    sub[0] = sub[0].replace('"widgets"', "widgets")


@mutant("dashboard", "the dashboard does not show an alarm")
def _(p):
    sub = resource(p, "Dashboard")["DashboardBody"]["Fn::Sub"]
    sub[0] = sub[0].replace("${KeyEnds.Arn}", "${ValidateErrors.Arn}")


@mutant("proof_alarms", "nobody is told when trust data ends")
def _(p):
    del p.source["Resources"]["TrustEnds"]


@mutant("proof_alarms", "the code that an alarm counts is called something else")
def _(p):
    replace(p, "shared/clouds/src/proof.rs", '"PROOF_SOURCE_UNAVAILABLE"', '"SOURCE_UNAVAILABLE"')


@mutant("own_metrics", "the service renames a metric that an alarm looks at")
def _(p):
    replace(p, "shared/service/src/telemetry.rs", '"KeyDaysLeft"', '"DaysLeft"')


@mutant("own_metrics", "the dashboard shows a metric that nobody sends")
def _(p):
    sub = resource(p, "Dashboard")["DashboardBody"]["Fn::Sub"]
    sub[0] = sub[0].replace('"WriteUnits"', '"Writes"')


@mutant("keys_safety", "the secret has a generated value")
def _(p):
    resource(p, "KeyRing")["GenerateSecretString"] = {}


@mutant("keys_safety", "the function may sign in any way")
def _(p):
    del statement(p, "keys", 1)["Condition"]


@mutant("keys_safety", "the file key is of another kind")
def _(p):
    resource(p, "FileKey")["KeySpec"] = "ECC_NIST_P256"


@mutant("stack_policy", "the stack's policy forgets the table")
def _(p):
    replace(p, "infra/stack-policy.json", "LogicalResourceId/Table", "LogicalResourceId/Tabel")


@mutant("log_levels", "the template offers a level at which clients log secrets")
def _(p):
    p.source["Parameters"]["LogLevel"]["AllowedValues"].append("debug")


@mutant("parameters", "eleven parameters")
def _(p):
    for at in range(11 - len(p.source["Parameters"])):
        p.source["Parameters"][f"More{at}"] = copy.deepcopy(p.source["Parameters"]["LogLevel"])


@mutant("parameters", "a parameter takes anything")
def _(p):
    del p.source["Parameters"]["Issuer"]["AllowedPattern"]


@mutant("parameters", "a second parameter has no default")
def _(p):
    del p.source["Parameters"]["AlarmEmail"]["Default"]


@mutant("physical_names", "the table has a name")
def _(p):
    resource(p, "Table")["TableName"] = "licences"


@mutant("physical_names", "the function has a name")
def _(p):
    resource(p, "Validate")["FunctionName"] = "validate"


@mutant("tags", "the key has no tags")
def _(p):
    del resource(p, "FileKey")["Tags"]


@mutant("outputs", "an output is not described")
def _(p):
    del p.source["Outputs"]["TableName"]["Description"]


@mutant("outputs", "no output tells the URL")
def _(p):
    del p.source["Outputs"]["ValidateUrl"]


@mutant("samconfig", "samconfig.toml names a region")
def _(p):
    p.texts["infra/samconfig.toml"] += '\nregion = "eu-west-1"\n'


@mutant("guide", "an alarm is not explained")
def _(p):
    p.texts["docs/operating.md"] = p.texts["docs/operating.md"].replace("`KeyEnds`", "KeyEnds")


@mutant("events", "an example event is of the older payload")
def _(p):
    path = next(path for path in p.texts if path.startswith("functions/validate/events/"))
    replace(p, path, '"2.0"', '"1.0"')


@mutant("exceptions", "an exception from checkov has no reason")
def _(p):
    p.texts["infra/checks/checkov.yaml"] += "  - CKV_AWS_28\n"


def main():
    sound = Project.read()
    survived = 0
    for caught_by, title, of_translated, break_it in MUTANTS:
        project = copy.deepcopy(sound)
        break_it(project)
        if not of_translated:
            project.translated = translate(project.source)
        faults = RULES[caught_by][1]
        before = list(faults(sound))
        new = [fault for fault in faults(project) if fault not in before]
        survived += not new
        print(f"{'ok  ' if new else 'FAIL'} {title}: {new[0] if new else 'nobody noticed'}")
    idle = sorted(set(RULES) - {caught_by for caught_by, *_ in MUTANTS})
    for name in idle:
        print(f"FAIL no mutant shows that `{name}` bites")
    failed = survived + len(idle)
    print(f"{len(MUTANTS) - survived} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
