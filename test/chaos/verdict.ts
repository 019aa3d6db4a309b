import type { Clients, Receipt } from "./clients.ts"
import type { Site } from "./site.ts"

/** What the ledger says about the votes that clients have receipts for. */
export interface Verdict {
  readonly accepted: number
  readonly counted: number
  readonly tally: number
  readonly dead: number
  /** The vote_ids that were accepted but not counted. */
  readonly lost: ReadonlyArray<string>
  /** Votes that were counted, or accepted, more than once. */
  readonly duplicates: ReadonlyArray<string>
  /** Receipts whose entry or option differs from the ledger's. */
  readonly misplaced: ReadonlyArray<string>
}

interface LedgerRow {
  readonly vote_id: string
  readonly status: string
  /** Where it is in the stream, and what it is for. */
  readonly entry: string
}

export const judge = async (site: Site, accepted: Clients["accepted"]): Promise<Verdict> => {
  const rows = await site.query<LedgerRow>(
    "select vote_id::text, status, accepted_ms || '-' || accepted_seq || ' ' || choice as entry " +
      "from vote_event where poll is null or poll !~ '^(once|changeable|organised)-'"
  )
  const [sum] = await site.query<{ tally: string }>(
    "select coalesce(sum(count), 0)::text as tally from tally where poll = 'cats-or-dogs'"
  )
  const counted = new Map(
    rows.flatMap(({ entry, status, vote_id }) => (status === "counted" ? [[vote_id, entry]] : []))
  )
  const receipts = new Map<string, Receipt & { readonly key: string }>()
  const duplicates: Array<string> = []
  for (const [key, receipt] of accepted) {
    const other = receipts.get(receipt.voteId)
    if (other !== undefined) duplicates.push(`${receipt.voteId}: given for ${other.key} and for ${key}`)
    receipts.set(receipt.voteId, { ...receipt, key })
  }
  for (const [voteId, entry] of counted) {
    if (!receipts.has(voteId)) duplicates.push(`${voteId} at ${entry}: counted, yet no key was answered with it`)
  }
  const all = [...receipts.values()]
  return {
    accepted: accepted.size,
    counted: counted.size,
    tally: Number(sum?.tally),
    dead: rows.filter(({ status }) => status === "dead").length,
    lost: all
      .filter(({ voteId }) => !counted.has(voteId))
      .map(({ key, streamId, voteId }) => `${voteId} at ${streamId} (${key})`),
    duplicates,
    misplaced: all.flatMap(({ option, streamId, voteId }) => {
      const entry = counted.get(voteId)
      const held = `${streamId} ${option}`
      return entry === undefined || entry === held ? [] : [`${voteId}: ${held} in the receipt, ${entry} in the ledger`]
    })
  }
}

/** Checks that each vote that got a 201 is counted once, and nothing else is. */
export const isClean = ({ accepted, counted, dead, duplicates, lost, misplaced, tally }: Verdict): boolean =>
  accepted === counted &&
  counted === tally &&
  dead === 0 &&
  duplicates.length === 0 &&
  lost.length === 0 &&
  misplaced.length === 0
