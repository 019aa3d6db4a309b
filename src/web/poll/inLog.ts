import { fromBase64url, textOf } from "../../domain/log/Bytes.ts"
import { checkpointIn } from "../../domain/log/Checkpoint.ts"
import { leafKeyProof, openChoice } from "../../domain/log/Leaf.ts"
import { verifiersOf } from "../../domain/log/Note.ts"
import { parseLeaf } from "../../domain/log/ParseLeaf.ts"
import { checkProof, parseProof } from "../../domain/log/Proof.ts"
import { sha256 } from "../../domain/log/Sha256.ts"
import { allowed } from "../allowed.ts"
import { bytesAt, canVerify, keepCheckpoint, keptCheckpoint, pathOfOrigin, pause } from "../logFiles.ts"
import type { Mine } from "./stored.ts"

/** What the poll's public log has of a vote; `text` is what to keep. */
export interface Logged {
  readonly found: "holds" | "broken" | "unchecked"
  readonly text: string
}

/** When the log is asked for a vote that was counted, in ms after that: it comes a little later. */
const asking = [1_500, 3_000, 6_000, 15_000, 30_000]

const ask = async ({ key, voteId }: Mine): Promise<Response | undefined> => {
  try {
    return await fetch(`/api/votes/${voteId}/proof`, key === undefined ? {} : { headers: { "idempotency-key": key } })
  } catch {
    return undefined
  }
}

/** Returns whether a leaf is the one of the vote, and says what was cast. */
const isOurs = (leaf: Uint8Array, { choice, key, voteId }: Mine, opens: string | null): boolean => {
  const said = parseLeaf(textOf(leaf) ?? "")
  if (said === undefined || "t" in said || said.s !== "counted") return false
  if (key !== undefined && said.n !== leafKeyProof(sha256, voteId, key)) return false
  if (said.c === undefined) return said.o === choice
  return (
    openChoice(sha256, fromBase64url(opens ?? "") ?? new Uint8Array(), fromBase64url(said.c) ?? new Uint8Array()) ===
    choice
  )
}

/** Keeps what a log says of a vote that it should not: whoever sees it later can still show it. */
const keepEvidence = (voteId: string, text: string): void =>
  allowed(() => localStorage.setItem(`tallykeep:evidence:${voteId}`, text))

const check = async (mine: Mine, text: string, opens: string | null): Promise<Logged["found"]> => {
  const proof = parseProof(text)
  if (proof === undefined) return "broken"
  if (!(await canVerify())) return "unchecked"
  const origin = checkpointIn(proof.checkpoint)?.origin ?? ""
  const path = pathOfOrigin(origin)
  const keys = textOf((await bytesAt(`${path}/key`)) ?? new Uint8Array()) ?? ""
  const verifiers = verifiersOf(sha256, keys.split("\n"))
  const holds = (await checkProof(sha256, proof, verifiers)) !== undefined && isOurs(proof.leaf, mine, opens)
  // The page that counts again looks at whether the log goes on from here.
  if (holds && keptCheckpoint(path) === undefined) keepCheckpoint(path, proof.checkpoint)
  return holds ? "holds" : "broken"
}

/** Looks for a vote that was counted in the poll's log; undefined where it is in none for now, or `current` returns false. */
export const findInLog = async (mine: Mine, current: () => boolean): Promise<Logged | undefined> => {
  for (const after of asking) {
    await pause(after)
    if (!current()) return undefined
    const answer = await ask(mine)
    if (answer?.status === 404) return undefined
    if (answer?.status !== 200) continue
    const text = await answer.text()
    const found = await check(mine, text, answer.headers.get("choice-key"))
    if (found === "broken") keepEvidence(mine.voteId, text)
    return { found, text }
  }
  return undefined
}
