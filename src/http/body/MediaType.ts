import { UnsupportedMediaType } from "../../domain/Problems.ts"

/** Returns why a body of this type can't be read as JSON in UTF-8, sent as it is; undefined where it can. */
export const refuseMediaType = (
  contentType: string | undefined,
  contentEncoding: string | undefined
): UnsupportedMediaType | undefined => {
  if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== "identity") {
    return new UnsupportedMediaType({ detail: "A compressed body is not understood: send it without Content-Encoding" })
  }
  if (contentType === "application/json") return undefined
  const [type = "", ...parameters] = (contentType ?? "").toLowerCase().split(";")
  if (type.trim() !== "application/json") {
    return new UnsupportedMediaType({ detail: "Send the body as JSON, with Content-Type: application/json" })
  }
  // One that is there twice, or is not written as it should be, may stand for another one as well.
  const charsets = parameters.filter((parameter) => parameter.trim().startsWith("charset"))
  return charsets.every((charset) => /^\s*charset=("?)utf-?8\1\s*$/.test(charset))
    ? undefined
    : new UnsupportedMediaType({ detail: "JSON is in UTF-8; another charset is not understood" })
}
