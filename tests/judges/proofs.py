"""openssl judges the proofs of machines: the same documents, whole and tampered with, by its CLI and by the service.

Each case is one document. openssl is given what the service trusts (`GET /local/clouds/{cloud}/anchors`); the service is
given a registration with it. Either both take it or both refuse it. The service's verdict on the *proof* counts: what it
says of listings comes after that.
"""

import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

url, vectors = sys.argv[1], pathlib.Path(sys.argv[2])
room = pathlib.Path(tempfile.mkdtemp(dir="."))
machine = Ed25519PrivateKey.generate()
REFUSALS = {"PROOF_INVALID", "PROOF_UNTRUSTED", "PROOF_STALE", "CHALLENGE_MISMATCH"}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


PUBLIC = b64url(machine.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def call(path, body=None, headers={}):
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"content-type": "application/json"} | headers)
    try:
        return json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        return json.load(error)


def binding(challenge):
    return hashlib.sha256(f"marque/binding/v1\n{challenge}\n{PUBLIC}".encode()).hexdigest()[:32]


def ours(challenge, proof):
    """Whether the service takes the proof; what comes after it does not matter here."""
    body = {
        "challenge": challenge,
        "product": "kopicloud-ad-api",
        "fingerprint": {"kind": "ad-domain", "value": "ab" * 32},
        "instance_id": "2f1e4fc0-81fd-41da-9156-00036acd1234",
        "nonce": "a-nonce-of-the-judge",
        "public_key": PUBLIC,
        "proof": proof,
    }
    body = json.dumps(body).encode()
    message = f"marque/request/v1\nPOST\n/v1/registrations\n{hashlib.sha256(body).hexdigest()}"
    answer = call("/v1/registrations", body, {"marque-signature": b64url(machine.sign(message.encode()))})
    code = answer["code"]
    # The others are proven, and not ours, or without a code.
    if code not in REFUSALS | {"VALID", "PRODUCT_NOT_LISTED", "BYOL_CODE_REQUIRED"}:
        sys.exit(f"the service answers {answer}")
    return code not in REFUSALS


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True).returncode == 0


def put(name, data):
    path = room / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return str(path)


def cms(document, *trust):
    """RFC 5652: `-binary`, for the content is no mail."""
    return openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", put("document", document), "-out", "/dev/null", *trust)


def aws(document, certificate):
    # Its one certificate is pinned, and half of AWS's are no authorities: no chain is built.
    return cms(document, "-noverify", "-nointern", "-certfile", certificate)


def azure(document, root, *at):
    return cms(document, "-CAfile", root, "-purpose", "any", *at)


def rsa(jwk):
    number = lambda name: int.from_bytes(unb64url(jwk[name]), "big")
    key = RSAPublicNumbers(number("e"), number("n")).public_key()
    return put("key.pem", key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def signed(message, signature, key, *options):
    return openssl("dgst", "-sha256", "-verify", key, "-signature", put("signature", signature), *options, put("message", message))


def gcp(token, jwk):
    covered, _, signature = token.rpartition(".")
    return signed(covered, unb64url(signature), rsa(jwk))


def oci(proof, text, root):
    certificate = put("certificate.pem", proof["instance_certificate"])
    key = subprocess.run(["openssl", "x509", "-noout", "-pubkey", "-in", certificate], capture_output=True).stdout
    pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
    chained = openssl("verify", "-CAfile", root, "-purpose", "sslclient", certificate)
    return chained and signed(text, unb64url(proof["binding_signature"]), put("machine.pem", key), *pss)


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def within(data, part):
    at = data.find(part)
    assert at >= 0, part
    return at


cases = []


def case(name, theirs, mine):
    cases.append((name, theirs, mine))


def prove(cloud, claim="", region=None):
    challenge = call("/v1/challenges", {"cloud": cloud})["challenge"]
    asked = {"product_claim": claim, "binding": binding(challenge), "instance": f"judged-{len(cases)}"}
    if region:
        asked["region"] = region
    return challenge, call(f"/local/clouds/{cloud}/proofs", asked)["proof"]


def anchors(cloud):
    found = call(f"/local/clouds/{cloud}/anchors")
    certificates = [put(f"{cloud}-{at}.pem", pem) for at, pem in enumerate(found["certificates"])]
    return certificates, found["keys"]


# AWS: the content, the signature and the pinned certificate.
(pinned,), _ = anchors("aws")
challenge, proof = prove("aws", "theirs", "eu-west-1")
document = base64.b64decode("".join(proof["identity_document_rsa2048"].split()))
changed = {
    "whole": document,
    "another account": flipped(document, within(document, b'"accountId"') + 14),
    "another signature": flipped(document, len(document) - 20),
    "another digest among the attributes": flipped(document, within(document, bytes.fromhex("2a864886f70d010904")) + 14),
    "cut off": document[:-40],
}
for name, changed in changed.items():
    sent = {"cloud": "aws", "identity_document_rsa2048": base64.b64encode(changed).decode()}
    case(f"aws, {name}", aws(changed, pinned), ours(challenge, sent))

# Azure: the same, and the chain.
(root,), _ = anchors("azure")
(stranger,), _ = anchors("oci")
challenge, proof = prove("azure", "a/b/c")
document = base64.b64decode(proof["attested_document"])
changed = {
    "whole": document,
    "another machine": flipped(document, within(document, b'"vmId"') + 9),
    "another signature": flipped(document, len(document) - 20),
    "another key in its certificate": flipped(document, within(document, bytes.fromhex("02820101")) + 80),
    "another name in its certificate": flipped(document, within(document, b"metadata.azure.com")),
    "cut off": document[:-40],
}
for name, changed in changed.items():
    sent = {"cloud": "azure", "attested_document": base64.b64encode(changed).decode()}
    case(f"azure, {name}", azure(changed, root), ours(challenge, sent))
case("azure, the root of somebody else", azure(document, stranger), False)

# Google: the token.
_, keys = anchors("gcp")
challenge, proof = prove("gcp", "1")
header, claims, signature = proof["identity_token"].split(".")
changed = {
    "whole": (claims, signature),
    "other claims": (b64url(unb64url(claims).replace(b'"azp":"', b'"azp":"1')), signature),
    "another signature": (claims, b64url(flipped(unb64url(signature), 100))),
}
for name, (claims, signature) in changed.items():
    token = f"{header}.{claims}.{signature}"
    case(f"gcp, {name}", gcp(token, keys[0]), ours(challenge, {"cloud": "gcp", "identity_token": token}))

# Oracle: the chain and the binding.
challenge, proof = prove("oci")
pem = proof["instance_certificate"].splitlines(keepends=True)
der = base64.b64decode("".join(pem[1:-1]))
signature = unb64url(proof["binding_signature"])
forged = flipped(der, within(der, b"opc-tenant:") + 30)
forged = f"{pem[0]}{base64.encodebytes(forged).decode()}{pem[-1]}"
changed = {
    "whole": {},
    "another tenancy": {"instance_certificate": forged},
    "another signature": {"binding_signature": b64url(flipped(signature, 100))},
}
for name, change in changed.items():
    sent = proof | change
    case(f"oci, {name}", oci(sent, binding(challenge), stranger), ours(challenge, sent))
case("oci, the root of somebody else", oci(proof, binding(challenge), root), False)
case("oci, another binding", oci(proof, "0" * 32, stranger), False)

# What real machines were given.
if vectors.is_dir():
    read = lambda name: (vectors / name).read_bytes()
    challenge = call("/v1/challenges", {"cloud": "aws"})["challenge"]
    document = base64.b64decode(read("aws/2018-us-east-2.rsa2048.b64"))
    changed = {"whole": document, "another account": flipped(document, within(document, b'"accountId"') + 16)}
    for name, changed in changed.items():
        sent = {"cloud": "aws", "identity_document_rsa2048": base64.b64encode(changed).decode()}
        certificate = str(vectors / "aws/us-east-2.rsa2048.pem")
        case(f"aws of 2018, {name}", aws(changed, certificate), ours(challenge, sent))
    case("aws of 2018, another region's key", aws(document, str(vectors / "aws/us-west-2.rsa2048.pem")), False)
    challenge = call("/v1/challenges", {"cloud": "azure"})["challenge"]
    roots = str(vectors / "azure/root-digicert-global-g2.pem")
    for name, document in {
        "azure of 2018, self-signed": read("azure/2018-selfsigned.der"),
        "azure of 2023, its authority unknown today": base64.b64decode(read("azure/2023-10-02-northeurope.b64")),
    }.items():
        sent = {"cloud": "azure", "attested_document": base64.b64encode(document).decode()}
        case(name, azure(document, roots), ours(challenge, sent))
else:
    print("skipped: real documents are not there")

failed = 0
for name, theirs, mine in cases:
    if theirs != mine:
        failed += 1
        print(f"FAILED {name}: openssl {'takes' if theirs else 'refuses'} it, the service does not agree")
# A judge that refuses everything would agree with a service that does.
taken = [name for name, theirs, _ in cases if theirs]
if len(taken) < 4:
    failed += 1
    print(f"FAILED openssl takes only {taken}")
print(f"{len(cases) - failed} passed, {failed} failed")
sys.exit(failed > 0)
