import { make } from "../dom.ts"

/** Hands a file to the reader's downloads. Its address is of this page only, and is let go once the browser has read it. */
const saveFile = (name: string, content: Blob): void => {
  const url = URL.createObjectURL(content)
  make("a", { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** Hands over what is drawn as a PNG; resolves to whether the browser could make one. */
export const savePicture = async (name: string, canvas: HTMLCanvasElement): Promise<boolean> => {
  const png = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"))
  if (png !== null) saveFile(name, png)
  return png !== null
}

/** Downloads a poll's CSV with the token, since results may be for the admin only; resolves to whether it could be had. */
export const downloadCsv = async (token: string, slug: string): Promise<boolean> => {
  try {
    const response = await fetch(`/api/polls/${slug}/results.csv`, { headers: { authorization: `Bearer ${token}` } })
    if (!response.ok) return false
    saveFile(`${slug}.csv`, await response.blob())
    return true
  } catch {
    return false
  }
}
