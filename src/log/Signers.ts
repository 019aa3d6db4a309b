import { createPrivateKey, createPublicKey, sign } from "node:crypto"
import { Redacted } from "effect"
import { makeVerifier, type Signer } from "../domain/log/Note.ts"
import { sha256 } from "./Hashes.ts"

/** What the bytes of an Ed25519 key begin with in PKCS #8, before its seed. */
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex")
/** How many bytes a seed has, and a public key. */
const keyLength = 32

/** A key that signs under any name. */
export type SigningKey = (name: string) => Signer

/** Makes a key of its seed, which is 32 bytes in base64 or base64url. */
export const signingKey = (seed: Redacted.Redacted): SigningKey => {
  const bytes = Buffer.concat([pkcs8, Buffer.from(Redacted.value(seed), "base64")])
  const secret = createPrivateKey({ key: bytes, format: "der", type: "pkcs8" })
  const key = new Uint8Array(createPublicKey(secret).export({ format: "der", type: "spki" }).subarray(-keyLength))
  return (name) => ({ ...makeVerifier(sha256, name, key), sign: (text) => sign(null, text, secret) })
}
