export interface Repeat {
  /** Does it now; where it is under way, once more after that. */
  now(): void
  stop(): void
}

/** Does something over and over, never twice at once, with a pause in ms between; not while nobody can see the page. */
export const repeat = (pause: number, act: () => Promise<void>): Repeat => {
  let going = true
  let again = false
  let wake: () => void = () => undefined
  const rest = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve
      if (!document.hidden) setTimeout(resolve, pause)
    })
  const now = (): void => {
    again = true
    wake()
  }
  const seen = (): void => {
    if (!document.hidden) now()
  }
  document.addEventListener("visibilitychange", seen)
  const run = async (): Promise<void> => {
    while (going) {
      again = false
      await act()
      if (going && !again) await rest()
    }
  }
  void run()
  return {
    now,
    stop: () => {
      going = false
      document.removeEventListener("visibilitychange", seen)
      wake()
    }
  }
}
