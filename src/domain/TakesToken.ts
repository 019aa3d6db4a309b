import type { Identity } from "./Poll.ts"

/**
 * Whether a poll's voters show a token: one of ours, or one of an identity provider. Apart from `Poll.ts`, whose schemas the
 * pages do without.
 */
export const takesToken = (identity: typeof Identity.Type): identity is "token" | "provider" =>
  identity === "token" || identity === "provider"
