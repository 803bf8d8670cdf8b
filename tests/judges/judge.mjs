// jose takes every case of cases.json, as its documentation says: `createRemoteJWKSet`, then `jwtVerify`.

import { readFileSync } from "node:fs";
import { createRemoteJWKSet, errors, importJWK, jwtVerify } from "jose";

const given = JSON.parse(readFileSync(process.argv[2], "utf8"));
const keys = createRemoteJWKSet(new URL(given.jwks_url));
const claim = (name) => (error) => error instanceof errors.JWTClaimValidationFailed && error.claim === name;
const refusals = {
  signature: (error) => error instanceof errors.JWSSignatureVerificationFailed,
  key: (error) => error instanceof errors.JWKSNoMatchingKey,
  algorithm: (error) => error instanceof errors.JOSEAlgNotAllowed,
  audience: claim("aud"),
  type: claim("typ"),
  "no end": claim("exp"),
};

async function outcome({ token, typ, aud, expect }) {
  // Only leases must end: a denial never does, a file may be for ever.
  const requiredClaims = ["iat", ...(aud ? ["sub"] : []), ...(typ === null || typ === "lease+jwt" ? ["exp"] : [])];
  const options = { algorithms: ["EdDSA"], issuer: given.issuer, requiredClaims, clockTolerance: 60 };
  try {
    await jwtVerify(token, keys, { ...options, ...(typ && { typ }), ...(aud && { audience: aud }) });
    return "good";
  } catch (error) {
    return refusals[expect]?.(error) ? expect : `${error.code ?? error.name}: ${error.message}`;
  }
}

// The key set is the root's, and lists just the keys that the JWKS shows.
async function rootAndListed() {
  const root = await importJWK(given.root, "EdDSA");
  const options = { algorithms: ["EdDSA"], issuer: given.issuer, typ: "keys+jwt" };
  const { payload } = await jwtVerify(given.key_set, root, options);
  const kids = (list) => list.map((key) => key.kid).sort().join();
  return kids(payload.keys) === kids(keys.jwks().keys);
}

let passed = 0;
let failed = 0;
for (const one of given.cases) {
  const came = await outcome(one);
  if (came === one.expect) {
    passed += 1;
  } else {
    failed += 1;
    console.log(`FAILED ${one.name}: must be ${one.expect}, was ${came}`);
  }
}
if (await rootAndListed()) {
  passed += 1;
} else {
  failed += 1;
  console.log("FAILED the key set that the root signed lists other keys than the JWKS");
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
