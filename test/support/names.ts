import { randomBytes } from "node:crypto"

/** A name that no other test uses. */
export const uniqueName = (prefix: string): string => `${prefix}_${randomBytes(6).toString("hex")}`
