const two = (number: number): string => String(number).padStart(2, "0")

/** Converts a time in RFC 3339 to what a field of type `datetime-local` holds, in the reader's zone. */
export const toLocal = (time: string): string => {
  const at = new Date(time)
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`
}

/** Converts what such a field holds to RFC 3339; undefined where it is empty. */
export const toTime = ({ value }: HTMLInputElement): string | undefined =>
  value === "" ? undefined : new Date(value).toISOString()

/** Whether such a field holds a time that the reader's clocks skip, as when summer time begins. */
export const isSkipped = (input: HTMLInputElement): boolean => {
  const time = toTime(input)
  return time !== undefined && toLocal(time) !== input.value.slice(0, 16)
}
