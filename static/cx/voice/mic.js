// The microphone, or the words that say why there is none.

const WHY = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "none", OverconstrainedError: "gone", NotReadableError: "busy" };

/** Why there is no microphone: `why` is "denied", "none", "gone", "busy" or "insecure". */
export class NoMicrophone extends Error {
  constructor(why) {
    super(why);
    this.why = why;
  }
}

/** Return the sound of the chosen microphone (an id of `devices`, else the usual one). Throws NoMicrophone. */
export async function open(device = "") {
  if (!navigator.mediaDevices?.getUserMedia) throw new NoMicrophone("insecure");
  const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: device ? { ...wanted, deviceId: { exact: device } } : wanted });
  } catch (error) {
    // The one that was chosen has been pulled out: the usual one will do.
    if (device && error.name === "OverconstrainedError") return open();
    throw new NoMicrophone(WHY[error.name] ?? "busy");
  }
}

/** Return what sound can come from and go to: {inputs, outputs}, each [{id, name}]. */
export async function devices() {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const of = (kind) => all.filter((one) => one.kind === kind && one.deviceId).map((one) => ({ id: one.deviceId, name: one.label }));
  return { inputs: of("audioinput"), outputs: of("audiooutput") };
}
