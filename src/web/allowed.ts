/**
 * Runs what a browser may refuse: storing things, in private windows or on a full disk. What was to be kept then lasts as long as the
 * page.
 */
export const allowed = <A>(run: () => A): A | undefined => {
  try {
    return run()
  } catch {
    return undefined
  }
}
