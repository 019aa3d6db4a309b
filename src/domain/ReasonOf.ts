/** Returns a text of anything, be it an object that has none. */
const textOf = (error: unknown): string => {
  try {
    return String(error)
  } catch {
    return "an error without a text"
  }
}

/** Returns what went wrong, down to what the server itself said of it. */
export const reasonOf = (error: unknown): string => {
  const messages: Array<string> = []
  for (
    let at: unknown = error;
    at instanceof Error && messages.length < 5;
    at = "reason" in at ? at.reason : at.cause
  ) {
    const code = "code" in at && typeof at.code === "string" ? ` (${at.code})` : ""
    if (at.message !== "" && !messages.includes(`${at.message}${code}`)) messages.push(`${at.message}${code}`)
  }
  return messages.length === 0 ? textOf(error) : messages.join(": ")
}
