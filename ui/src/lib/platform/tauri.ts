import { Channel, convertFileSrc, invoke } from '@tauri-apps/api/core';
import type { Commands, Notice } from '$lib/contract';
import type { CommandName, Platform } from './index';

/** The desktop. Every command takes one argument, `args`; notices come on one channel, handed over to `subscribe`. */
export const tauri: Platform = {
  call<K extends CommandName>(name: K, args: Commands[K]['args']): Promise<Commands[K]['result']> {
    return invoke<Commands[K]['result']>(name, { args });
  },
  image(path: string): string {
    return convertFileSrc(path, 'pack-image');
  },
  listen(handler: (notice: Notice) => void): Promise<void> {
    return invoke('subscribe', { channel: new Channel<Notice>(handler) });
  },
};
