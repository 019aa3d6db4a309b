import { setTimeout as sleep } from "node:timers/promises"

/** Waits until something holds; returns false if it does not in time. */
export const eventually = async (holds: () => boolean | Promise<boolean>, timeout: number): Promise<boolean> => {
  for (const deadline = performance.now() + timeout; performance.now() < deadline; await sleep(100)) {
    if (await holds()) return true
  }
  return false
}
