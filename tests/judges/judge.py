"""PyJWT takes every case of cases.json, as its documentation says: the key by `PyJWKClient`, the algorithm by a list."""

import json
import sys

import jwt

given = json.load(open(sys.argv[1]))
client = jwt.PyJWKClient(given["jwks_url"])
REFUSALS = {
    "signature": jwt.InvalidSignatureError,
    "key": jwt.PyJWKClientError,
    "algorithm": jwt.InvalidAlgorithmError,
    "audience": jwt.InvalidAudienceError,
    "no end": jwt.MissingRequiredClaimError,
}


class WrongType(Exception):
    """PyJWT leaves the `typ` to its caller."""


REFUSALS["type"] = WrongType


def verify(token, typ, aud):
    found = jwt.get_unverified_header(token).get("typ")
    if typ is not None and found != typ:
        raise WrongType(found)
    key = client.get_signing_key_from_jwt(token)
    # Only leases must end: a denial never does, a file may be for ever.
    required = ["iss", "iat"] + (["aud", "sub"] if aud else []) + (["exp"] if typ in (None, "lease+jwt") else [])
    options = {"require": required, "verify_aud": aud is not None}
    jwt.decode(token, key, algorithms=["EdDSA"], audience=aud, issuer=given["issuer"], options=options, leeway=60)


def outcome(case):
    try:
        verify(case["token"], case["typ"], case["aud"])
    except jwt.PyJWKClientConnectionError as error:
        return f"could not be judged: {error}"
    except tuple(REFUSALS.values()) as error:
        expected = REFUSALS.get(case["expect"])
        return case["expect"] if expected and isinstance(error, expected) else f"refused as {type(error).__name__}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "good"


def root_and_listed():
    """The key set is the root's, and lists just the keys that the JWKS shows."""
    root = jwt.PyJWK(given["root"], algorithm="EdDSA")
    claims = jwt.decode(given["key_set"], root, algorithms=["EdDSA"], issuer=given["issuer"])
    return {key["kid"] for key in claims["keys"]} == {key.key_id for key in client.get_signing_keys()}


passed = failed = 0
for case in given["cases"]:
    came = outcome(case)
    if came == case["expect"]:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {case['name']}: must be {case['expect']}, was {came}")
if root_and_listed():
    passed += 1
else:
    failed += 1
    print("FAILED the key set that the root signed lists other keys than the JWKS")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
