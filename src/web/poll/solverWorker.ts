/* The worker that solves a challenge, so that the page goes on meanwhile. */
import { deriveKey } from "altcha-lib/algorithms/web/pbkdf2"
import { handler } from "altcha-lib/workers/shared"

handler({ deriveKey })
