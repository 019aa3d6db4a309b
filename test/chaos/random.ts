/** Returns numbers from 0 up to 1, the same for the same seed. */
export type Random = () => number

/** The generator "mulberry32": 32 bits of state, plenty for choosing faults. */
export const makeRandom = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Returns the same items in another order. */
export const shuffled = <A>(things: ReadonlyArray<A>, random: Random): ReadonlyArray<A> =>
  things
    .map((thing) => ({ thing, place: random() }))
    .sort((left, right) => left.place - right.place)
    .map(({ thing }) => thing)
