/** A proxy or a runtime that gathers what is sent, to store or to compress it, would hold it back. */
export const STREAM_HEADERS = {
  "x-accel-buffering": "no",
  "cache-control": "private, no-cache, no-store, no-transform, must-revalidate, max-age=0",
  pragma: "no-cache",
  expires: "0",
} as const;
