"""Writes the cases: real tokens of a running service, and what a forger would make of them.

A case is a token, what its verifier expects (`typ`, `aud`), and what must come of it: `good`, or the one reason for
which it must be refused. A refusal for another reason is a failure too, or a judge that cannot even reach the key
set would pass.
"""

import base64
import hashlib
import hmac
import json
import sys
import urllib.error
import urllib.request

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

url, info_file, cases_file = sys.argv[1:]
info = json.load(open(info_file))
product = info["demo"]["product"]
licenses = {license["plan"]: license for license in info["demo"]["licenses"]}


def call(path, body=None, code=None):
    headers = {"content-type": "application/json"} if body else {}
    if code:
        headers["authorization"] = f"License {code}"
    request = urllib.request.Request(url + path, json.dumps(body).encode() if body else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        sys.exit(f"{path} answered {error.code}: {error.read().decode()}")


def server(domain):
    digest = hashlib.sha256(domain.encode()).hexdigest()
    return {
        "product": product,
        "fingerprint": {"kind": "ad-domain", "value": digest},
        "instance_id": "2f1e4fc0-81fd-41da-9156-00036acd1234",
        "nonce": digest[:32],
    }


def activate(plan, domain):
    return json.loads(call("/v1/activations", {**server(domain), "code": licenses[plan]["code"]}))


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def dumps(value):
    return json.dumps(value, separators=(",", ":")).encode()


cases = []


def case(name, token, typ, expect, aud=product):
    cases.append({"name": name, "token": token, "typ": typ, "aud": aud, "expect": expect})


def forge(name, token, typ):
    """Everything that must not pass, made of one good token."""
    header, payload, signature = token.split(".")
    claims, head = json.loads(unb64(payload)), json.loads(unb64(header))
    kid, x = head["kid"], next(key["x"] for key in keys if key["kid"] == head["kid"])
    other = next(key["kid"] for key in keys if key["kid"] != kid)

    longer = dict(claims, exp=claims["exp"] + 86400) if "exp" in claims else dict(claims, plan="other")
    flipped = bytearray(unb64(signature))
    flipped[5] ^= 1
    case(f"{name}, a claim changed", f"{header}.{b64(dumps(longer))}.{signature}", typ, "signature")
    case(f"{name}, a bit of the signature changed", f"{header}.{payload}.{b64(bytes(flipped))}", typ, "signature")
    case(f"{name}, the header of another type", f"{b64(dumps(dict(head, typ='denial+jwt')))}.{payload}.{signature}", "denial+jwt", "signature")
    case(f"{name}, another listed key named", f"{b64(dumps(dict(head, kid=other)))}.{payload}.{signature}", typ, "signature")
    case(f"{name}, an unknown key named", f"{b64(dumps(dict(head, kid='A' * 43)))}.{payload}.{signature}", typ, "key")
    for none in ("none", "None"):
        case(f"{name}, alg {none}", f"{b64(dumps(dict(head, alg=none)))}.{payload}.", typ, "algorithm")

    pem = Ed25519PublicKey.from_public_bytes(unb64(x)).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for what, secret in (("text", x.encode()), ("bytes", unb64(x)), ("PEM", pem)):
        signed = f"{b64(dumps(dict(head, alg='HS256')))}.{b64(dumps(longer))}"
        mac = b64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())
        case(f"{name}, HS256 with the public key's {what} as the secret", f"{signed}.{mac}", typ, "algorithm")

    thief = Ed25519PrivateKey.generate()
    raw = thief.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
    signed = f"{b64(dumps(dict(head, jwk=jwk)))}.{b64(dumps(longer))}"
    case(f"{name}, signed by a key that it brings along", f"{signed}.{b64(thief.sign(signed.encode()))}", typ, "signature")

    case(f"{name}, for another product", token, typ, "audience", aud="another-product")
    case(f"{name}, taken for another type", token, "keys+jwt", "type")


keys = json.loads(call("/.well-known/jwks.json"))["keys"]
lease = activate("yearly", "first.example")["lease"]
denial = activate("yearly", "second.example")["denial"]
perpetual = activate("perpetual", "first.example")
license_file = call(f"/v1/licenses/{perpetual['license_id']}/file", code=licenses["perpetual"]["code"])
folded = license_file.split("-----BEGIN MARQUE LICENSE-----")[1].split("-----END MARQUE LICENSE-----")[0]
file_token = "".join(folded.split())
revocations = json.loads(call("/v1/revocations"))["crl"]

check = json.loads(call("/v1/validations", {**server("first.example"), "code": licenses["yearly"]["code"], "lease": lease}))
case("the lease of an activation", lease, "lease+jwt", "good")
case("the lease of a check", check["lease"], "lease+jwt", "good")
case("the lease of a perpetual licence", perpetual["lease"], "lease+jwt", "good")
forge("a lease", lease, "lease+jwt")
case("the .lic of a perpetual licence", file_token, "license+jwt", "good")
forge("a .lic", file_token, "license+jwt")
case("a denial, read as a denial", denial, "denial+jwt", "good")
case("a denial, taken for a lease", denial, "lease+jwt", "type")
case("a denial, by a verifier that wants an end and no type", denial, None, "no end")
case("the list of revocations", revocations, "crl+jwt", "good", aud=None)

json.dump(
    {
        "jwks_url": f"{url}/.well-known/jwks.json",
        "issuer": info["issuer"],
        "root": info["root"],
        "key_set": call("/.well-known/keys.jwt"),
        "cases": cases,
    },
    open(cases_file, "w"),
)
