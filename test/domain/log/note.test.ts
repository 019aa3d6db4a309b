import { generateKeyPairSync, hash as nodeHash256, sign as signWith } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { fromBase64, fromBase64url, toBase64, toBase64url, utf8 } from "../../../src/domain/log/Bytes.ts"
import { checkpointText, parseCheckpoint } from "../../../src/domain/log/Checkpoint.ts"
import {
  makeVerifier,
  openNote,
  parseNote,
  parseVkey,
  type Signer,
  signNote,
  writeVkey
} from "../../../src/domain/log/Note.ts"
import { checkProof, parseProof, writeProof } from "../../../src/domain/log/Proof.ts"
import type { Sha256 } from "../../../src/domain/log/Sha256.ts"
import { leafHash, nodeHash } from "../../../src/domain/log/Tree.ts"

const hash: Sha256 = (bytes) => Buffer.from(nodeHash256("sha256", bytes, "hex"), "hex")

const makeSigner = (name: string): Signer => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const key = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url")
  return { ...makeVerifier(hash, name, key), sign: (text) => signWith(null, text, privateKey) }
}

describe("base64", () => {
  it("is taken as it is written only", () => {
    for (let length = 0; length < 8; length++) {
      const bytes = Uint8Array.from({ length }, (_, at) => 250 + at)
      assert.deepStrictEqual(fromBase64(toBase64(bytes)), bytes)
      assert.deepStrictEqual(fromBase64url(toBase64url(bytes)), bytes)
    }
    for (const text of ["A", "AB==C", "QR==", "QQ=", "Q Q=", "\u00e9A=="]) assert.isUndefined(fromBase64(text), text)
    assert.isUndefined(fromBase64url("QR"))
    assert.isUndefined(fromBase64url("+A"))
  })
})

describe("a signed note", () => {
  it("of the document's example is taken apart", () => {
    const text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned \u00e8 subito sera.\n"
    const line =
      "\u2014 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    const note = parseNote(`${text}\n${line}`)
    assert.strictEqual(note?.text, text)
    const [signature] = note?.signatures ?? []
    assert.strictEqual(signature?.name, "quasimodo.example/salvatore")
    assert.strictEqual(signature?.id, "367ba04b")
    assert.strictEqual(signature?.signature.length, 64)
  })

  it("opens with the key of Go's own example, and with no other text or key", async () => {
    // golang.org/x/mod/sumdb/note
    const vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    const note =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
      "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    const verifier = parseVkey(hash, vkey)
    assert.isDefined(verifier)
    if (verifier === undefined) return
    assert.strictEqual(writeVkey(verifier), vkey)
    assert.strictEqual(await openNote(note, [verifier]), note.slice(0, note.indexOf("\n\n") + 1))
    assert.isUndefined(await openNote(note.replace("If", "Is"), [verifier]))
    assert.isUndefined(await openNote(note, []))
    assert.isUndefined(await openNote(note, [makeSigner("PeterNeumann")]))
    assert.isUndefined(parseVkey(hash, vkey.replace("c74f20a3", "c74f20a4")))
    assert.isUndefined(parseVkey(hash, vkey.replace("+A", "+B")))
  })

  it("may have two keys while one replaces the other; a wrong signature of a known one spoils it", async () => {
    const [former, next] = [makeSigner("log.example/a"), makeSigner("log.example/a")]
    const note = signNote("a text\n", [former, next])
    for (const known of [[former], [next], [former, next]]) assert.strictEqual(await openNote(note, known), "a text\n")
    const forged = { ...next, sign: former.sign }
    assert.isUndefined(await openNote(signNote("a text\n", [former, forged]), [former, next]))
    assert.strictEqual(await openNote(signNote("a text\n", [former, forged]), [former]), "a text\n")
  })

  it("is none without its form", () => {
    for (const note of [
      "",
      "a\n",
      "a\n\n",
      "a\n\n\u2014 b QUJDREVG",
      "a\n\n- b QUJDREVG\n",
      "a\r\n\n\u2014 b QUJDREVG\n",
      "a\n\n\u2014 b QUJD\n",
      "a\u2014 b QUJDREVG\n",
      "a\n\n\u2014 b QUJDREVGG",
      `a\n\n${"\u2014 b QUJDREVG\n".repeat(101)}`
    ]) {
      assert.isUndefined(parseNote(note), JSON.stringify(note))
    }
  })
})

describe("a checkpoint", () => {
  it("is the document's three lines", () => {
    const text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    const checkpoint = parseCheckpoint(text)
    assert.strictEqual(checkpoint?.origin, "example.com/behind-the-sofa")
    assert.strictEqual(checkpoint?.size, 20_852_163)
    if (checkpoint !== undefined) assert.strictEqual(checkpointText(checkpoint), text)
    for (const wrong of [
      text.replace("\n2", "\n02"),
      `${text}more\n`,
      text.slice(0, -1),
      text.replace("CsU", "Cs"),
      text.replace("20852163", "-1"),
      text.replace("20852163", "9007199254740992"),
      text.replace(/(\n\d+\n).*/, `$1${toBase64(new Uint8Array(31))}`),
      text.replace(/^.*/, "")
    ]) {
      assert.isUndefined(parseCheckpoint(wrong), wrong)
    }
  })
})

describe("a proof", () => {
  const signer = makeSigner("log.example/api/polls/p/log")
  const [leaf, sibling] = [utf8("leaf"), leafHash(hash, utf8("sibling"))]
  const root = nodeHash(hash, sibling, leafHash(hash, leaf))
  const proof = {
    leaf,
    index: 1,
    hashes: [sibling],
    checkpoint: signNote(checkpointText({ origin: signer.name, size: 2, root }), [signer])
  }

  it("has the document's form", () => {
    const lines = writeProof(proof).split("\n")
    assert.deepStrictEqual(lines.slice(0, 6), [
      "c2sp.org/tlog-proof@v1",
      "extra bGVhZg==",
      "index 1",
      toBase64(sibling),
      "",
      signer.name
    ])
    assert.deepStrictEqual(parseProof(writeProof(proof)), proof)
  })

  it("holds against the log's key only, and with every part as it is", async () => {
    assert.strictEqual((await checkProof(hash, proof, [signer]))?.size, 2)
    const wrong = [
      { ...proof, leaf: utf8("other") },
      { ...proof, index: 0 },
      { ...proof, hashes: [leafHash(hash, utf8("other"))] },
      { ...proof, checkpoint: proof.checkpoint.replace("\n2\n", "\n3\n") },
      { ...proof, checkpoint: signNote(checkpointText({ origin: "another.example", size: 2, root }), [signer]) }
    ]
    for (const one of wrong) assert.isUndefined(await checkProof(hash, one, [signer]))
    assert.isUndefined(await checkProof(hash, proof, [makeSigner(signer.name)]))
  })

  it("is none in another form", () => {
    const text = writeProof(proof)
    for (const wrong of [
      text.replace("@v1", "@v2"),
      text.replace("extra ", ""),
      text.replace("index 1", "index 01"),
      text.replace("\n\n", "\n"),
      text.replace(toBase64(sibling), "AA=A"),
      ""
    ]) {
      assert.isUndefined(parseProof(wrong), wrong)
    }
  })
})
