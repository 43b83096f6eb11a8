/** What to do when there is no secret for tokens. */
export const SECRET_REMEDY =
  'Set it where the server and its tools see it, for example: export POSTHORN_TOKENS__SECRET="$(openssl rand -base64 48)"';

/** What to do when there is no key for the backend. */
export const API_KEY_REMEDY =
  'Set one, unless your backend signs tokens and needs no more: export POSTHORN_API__KEYS="$(openssl rand -hex 24)"';
