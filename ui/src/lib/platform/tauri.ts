import { Channel, invoke } from '@tauri-apps/api/core';
import type { Commands, Notice } from '$lib/contract';
import type { CommandName, Platform } from './index';

/** The desktop. Every command takes one argument, `args`; notices come on one channel, handed over to `subscribe`. */
export const tauri: Platform = {
  call<K extends CommandName>(name: K, args: Commands[K]['args']): Promise<Commands[K]['result']> {
    const answer = invoke<Commands[K]['result']>(name, { args });
    if (name === 'launch') void answer.then(markInteractive, markInteractive);
    return answer;
  },
  listen(handler: (notice: Notice) => void): Promise<void> {
    return invoke('subscribe', { channel: new Channel<Notice>(handler) });
  },
};

/** The first frame that shows what `launch` answered: what `cargo xtask bench` measures. */
function markInteractive(): void {
  requestAnimationFrame(() => performance.mark('interactive'));
}
