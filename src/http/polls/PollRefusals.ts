import type { Schema } from "effect"
import { InvalidFields, NotFound, Stale, Unavailable, Unchangeable } from "../../domain/Problems.ts"
import { fieldErrors } from "../body/FieldErrors.ts"

export const missing = new NotFound({ detail: "There is no such poll" })

export const stale = new Stale({ detail: "The poll has been changed since you read it: read it again" })

const wrongField = (field: string, detail: string) =>
  new InvalidFields({ detail: "The poll can't be like this", errors: [{ pointer: `#/${field}`, detail }] })

export const past = (field: string) => wrongField(field, "must be a time in the future")

export const tooSoon = wrongField("closes_at", "must be more than a second ahead, by when all processes know")

export const tooEarly = wrongField("closes_at", "must be after opens_at")

export const hasVotes = (fields: ReadonlyArray<string>) =>
  new Unchangeable({ detail: `The poll has votes: ${fields.join(", ")} can't be changed any more` })

export const notKept = new Unchangeable({
  detail: "The poll's votes are not kept any more, so that it can't be reopened"
})

export const stillWaiting = new Unavailable({
  detail: "Votes of the poll may wait to be counted; try again later"
})

export const wrongFields = (error: Schema.SchemaError) =>
  new InvalidFields({ detail: "The poll can't be like this", errors: fieldErrors(error) })

export const notConfirmed = new InvalidFields({
  detail: "A poll is deleted for good: its slug has to be given once more",
  errors: [{ pointer: "#/slug", detail: "must be the poll's slug" }]
})

export const notDeletableEver = new Unchangeable({ detail: "The default poll can't be deleted" })

export const notDeletable = new Unchangeable({
  detail: "Only a draft or an archived poll can be deleted: archive it before"
})
