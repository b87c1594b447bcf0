// What a machine says of itself in an offer, as far as /proc and /sys know; the agent adds its name, slots and calendar.

export interface MachineReading {
  /** As `uname -m` has it: x86_64, aarch64. */
  readonly arch: string;
  /** `linux`, as Node names it. */
  readonly os: string;
  /** Processors that this process may use: affinity and the cgroup's quota count. */
  readonly cores: number;
  readonly cpuModel: string;
  /** Highest clock of any core; 0 where it is not known (many virtual machines). */
  readonly ghz: number;
  readonly memTotalBytes: number;
  /** What programs could take without swapping. */
  readonly memFreeBytes: number;
  /** Runnable processes per core, one-minute average. */
  readonly load: number;
  /** PSI cpu «some» avg10, 0 to 100; 0 where the kernel has none. */
  readonly pressure: number;
}

export interface MachineOptions {
  readonly procRoot?: string;
  readonly sysRoot?: string;
  /** Processors that affinity allows; by default what the kernel says of this process. */
  readonly allowedCores?: number;
}
