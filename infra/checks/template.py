"""Reads infra/template.yaml and translates it as CloudFormation will see it, without a cloud."""

import copy
import json
import logging
import os
import pathlib
from dataclasses import dataclass, field

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the translator asks for one and calls nobody

from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of metrics that it would like to publish

ROOT = pathlib.Path(__file__).resolve().parents[2]


class NoManagedPolicies:
    """The template uses none of AWS's managed policies, so there is nothing to look up."""

    def load(self):
        return {}


def translate(source):
    """The SAM template as plain CloudFormation."""
    template = copy.deepcopy(source)
    for resource in template["Resources"].values():
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    return json.loads(json.dumps(transform(template, {}, NoManagedPolicies()), default=str))


@dataclass
class Project:
    """All that the assertions look at."""

    source: dict
    translated: dict = field(default_factory=dict)
    # infra/us-east-1.yaml, the post at AWS Marketplace: plain CloudFormation.
    post: dict = field(default_factory=dict)
    # Texts of the repository by their path.
    texts: dict = field(default_factory=dict)
    # The names under functions/ that are deployed.
    functions: list = field(default_factory=list)

    @classmethod
    def read(cls):
        paths = [
            "docs/operating.md",
            "infra/checks/checkov.yaml",
            "infra/samconfig.toml",
            "infra/stack-policy.json",
            "shared/clouds/src/proof.rs",
            "shared/service/src/config.rs",
            "shared/service/src/http/envelope.rs",
            "shared/service/src/telemetry.rs",
            "shared/store/src/keys.rs",
            "shared/store/src/table.rs",
        ]
        paths += [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("functions/*/events/*.json"))]
        folders = sorted(path.parent.name for path in ROOT.glob("functions/*/Cargo.toml"))
        source = yaml_parse((ROOT / "infra/template.yaml").read_text())
        return cls(
            source=source,
            translated=translate(source),
            post=yaml_parse((ROOT / "infra/us-east-1.yaml").read_text()),
            texts={path: (ROOT / path).read_text() if (ROOT / path).exists() else "" for path in paths},
            functions=[name for name in folders if name != "local"],
        )

    def of_type(self, *types):
        return {name: r for name, r in self.translated["Resources"].items() if r["Type"] in types}

    def lambdas(self):
        """The functions: logical name, properties, and the name of their folder."""
        for name, resource in self.of_type("AWS::Lambda::Function").items():
            uri = self.source["Resources"].get(name, {}).get("Properties", {}).get("CodeUri", "")
            parts = str(uri).split("/")
            yield name, resource["Properties"], parts[-2] if len(parts) > 1 else "?"


def as_list(value):
    return value if isinstance(value, list) else [value]


def target(value):
    """The logical name that a Ref, GetAtt or Sub of one name points at; else nothing."""
    if isinstance(value, dict) and len(value) == 1:
        (kind, inner), = value.items()
        if kind == "Ref":
            return inner
        if kind == "Fn::GetAtt":
            return (inner if isinstance(inner, list) else inner.split("."))[0]
    return None


def main():
    out = ROOT / "target/infra/template.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(translate(yaml_parse((ROOT / "infra/template.yaml").read_text())), indent=2) + "\n")
    print(out.relative_to(ROOT))


if __name__ == "__main__":
    main()
