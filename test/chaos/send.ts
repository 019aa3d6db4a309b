/** A request with a body of JSON. */
export interface Asked {
  readonly path: string
  /** `POST` unless told. */
  readonly method?: "PATCH"
  readonly body: unknown
  /** An idempotency key. */
  readonly key?: string
  /** How long an answer may take, in ms. */
  readonly timeout?: number
}

/** In ms. */
const answerTimeout = 2_500

/** Sends a request with a token to an API, and gives up after a while. */
export const send = async (api: string, token: string, { body, key, method, path, timeout }: Asked) => {
  const headers = {
    "content-type": "application/json",
    authorization: `Bearer ${token}`,
    ...(key === undefined ? {} : { "idempotency-key": key }),
    // Whatever its version is.
    ...(method === "PATCH" ? { "if-match": "*" } : {})
  }
  const signal = AbortSignal.timeout(timeout ?? answerTimeout)
  const answer = await fetch(`${api}${path}`, { method: method ?? "POST", headers, signal, body: JSON.stringify(body) })
  const text = await answer.text()
  return { status: answer.status, text }
}
