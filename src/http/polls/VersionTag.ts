import type { Poll } from "../../domain/Poll.ts"

/** The entity tag of a poll's version. */
export const versionTag = ({ version }: Pick<Poll, "version">): string => `"${version ?? 0}"`

/** Whether a poll is of one of the versions that a request expects. */
export const isExpected = (poll: Poll, expected: ReadonlyArray<string> | undefined): boolean =>
  expected === undefined || expected.includes("*") || expected.includes(versionTag(poll))
