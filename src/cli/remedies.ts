/** What to do when there is no secret for tokens. */
export const SECRET_REMEDY =
  'Set it where the server and its tools see it, for example: export POSTHORN_TOKENS__SECRET="$(openssl rand -base64 48)"';
