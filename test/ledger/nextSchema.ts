import { type LedgerSchema, ledgerSchema } from "../../src/ledger/LedgerSchema.ts"

const version = ledgerSchema.version + 1

/** What the functions of `nextSchema` have in them, and those of this version don't. */
export const marker = "of the next version"

/** What a version after this one may bring: a step that changes a table which votes are counted into, and its own functions. */
export const nextSchema: LedgerSchema = {
  version,
  steps: [
    ...ledgerSchema.steps,
    {
      number: version,
      text: `
        set local lock_timeout = '2s';
        lock table vote_event, poll in access exclusive mode;
        alter table vote_event add column note text;
        update vote_event set note = 'from before';`
    }
  ],
  functions: ledgerSchema.functions.map((text) => text.replace(/\$\$;\s*$/, `-- ${marker}\n$$$$;\n`))
}
