/** Returns the CRC-16/XMODEM of a text's bytes, by which Redis Cluster hashes keys. */
export const crc16 = (text: string): number => {
  let crc = 0
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
    crc &= 0xffff
  }
  return crc
}

/** Returns a key's hash tag, the text in its first braces, if any: keys with the same one are at the same node. */
export const hashTag = (key: string): string | undefined => /^[^{]*\{([^}]+)\}/.exec(key)?.[1]

/** Returns the slot, of 16,384, that a key belongs to in a Redis Cluster. */
export const keySlot = (key: string): number => crc16(hashTag(key) ?? key) % 16_384
