export interface Done {
  readonly configPath: string;
  /** It was made just now. */
  readonly isNew: boolean;
  readonly isDry: boolean;
  /** Not for an image, but on the machine that is to serve. */
  readonly isLive: boolean;
}

/** What became of the configuration, and what somebody is to do next. */
export function whatNext({ configPath, isNew, isDry, isLive }: Done): string {
  const kept = isDry ? `\nWould keep ${configPath}\n` : `${configPath}: kept\n`;
  const rest = isLive ? nextSteps(configPath, isNew) : "";
  if (!isNew) return `${kept}${rest}`;
  return isLive || isDry ? rest : sharedSecrets(configPath);
}

function nextSteps(configPath: string, isNew: boolean): string {
  const settings = `  set server.public_url, the port and the certificate in ${configPath}
  posthorn install             so that the unit fits that port
  systemctl restart posthorn
`;
  return `
Next:
${isNew ? settings : ""}  posthorn check               what is wrong with it
  posthorn status              whether it is ready
  journalctl -u posthorn       what it says
`;
}

function sharedSecrets(configPath: string): string {
  return `
Every machine that is made of this image has the secrets in ${configPath},
so each knows those of all. Where that must not be, remove the file from the image and let each run
posthorn install when it starts for the first time: that makes a file with secrets of its own.
`;
}
