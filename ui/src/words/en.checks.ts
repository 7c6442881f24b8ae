import type { zhChecks } from './zh.checks.ts'

export const enChecks: Record<keyof typeof zhChecks, string> = {
  'check.any.crashed': 'This check did not finish. Check again; if it fails again, call the exam center.',
  'check.camera.none': 'No camera. Plug one in and check again.',
  'check.camera.not_found': 'No camera. Plug one in and check again.',
  'check.camera.frozen': 'The picture stands still. Replug the camera, or take another one.',
  'check.camera.pattern':
    'A pattern is in use, so no real camera was measured. A proctor decides about a machine without one.',
  'check.camera.busy': 'Another program holds the camera. Close it and check again.',
  'check.camera.permission': 'The camera may not be opened. Call the system administrator.',
  'check.camera.unplugged': 'The camera was unplugged during the check. Plug it in and check again.',
  'check.camera.stalled': 'No picture. Replug the camera, or take another one.',
  'check.camera.format': 'The camera’s picture format cannot be used. Take another camera.',
  'check.camera.broken': 'The camera has failed. Take another one.',
  'check.disk_space.low': 'The disk is too full. Make room, but delete no exam data.',
  'check.disk_space.unreadable': 'Free space cannot be read. The system administrator should look.',
  'check.durable_write.slow':
    'Storing is slow and candidates would wait. Close other programs; if still slow, use another machine.',
  'check.durable_write.failed':
    'The disk refuses to be written. Use another machine and tell the system administrator.',
  'check.durable_write.in_memory': 'Data lie in memory and would be lost. Move the data folder to a disk.',
  'check.reboot_survival.no_reboot_yet': 'No restart since installation. Restart once, then check again.',
  'check.reboot_survival.one_more_reboot':
    'One restart cannot rule out a restore card. Restart once more, then check again.',
  'check.reboot_survival.not_confirmed':
    'The exam center has not compared the data of this machine. Connect, then check again.',
  'check.reboot_survival.lost':
    'Data were gone after a restart, probably a restore card. Switch it off and enrol again.',
  'check.reboot_survival.damaged':
    'Data were damaged by a restart. Look at restore card and disk, or use another machine.',
  'check.reboot_survival.rolled_back':
    'Data went back in time: a restore card or a cloned disk. Call the exam center.',
  'check.reboot_survival.unreadable':
    'The marks of earlier boots cannot be read. The system administrator should look.',
  'check.swap.on': 'Open papers could reach the disk. The system administrator must switch swap off.',
  'check.swap.in_memory': 'Swap lies in compressed memory, not on disk. You may go on.',
  'check.swap.unreadable': 'Swap settings cannot be read. The system administrator should look.',
  'check.core_dumps.on':
    'A crash would write memory to disk. The system administrator must switch core dumps off.',
  'check.core_dumps.unreadable': 'Core dump settings cannot be read. The system administrator should look.',
  'check.clock_offset.far':
    'This machine’s clock is off. The exam uses the center’s time, but have it corrected.',
  'check.clock_offset.no_center':
    'Without the center the time cannot be compared. Check again when connected.',
  'check.center_reachable.slow': 'The line is slow. You may go on; have a USB stick ready.',
  'check.center_reachable.refused':
    'The center refuses this terminal. Check the enrolment and call the center.',
  'check.center_reachable.not_authentic':
    'Whoever answers is not the center. Type no code; check the network and call the center.',
  'check.center_reachable.unreachable': 'The center cannot be reached. Check the cable, or use a USB stick.',
  'check.center_reachable.not_set_up': 'No center is configured. Call the system administrator.',
  'check.internet_unreachable.reached':
    'The internet can be reached. Unplug the office network, switch Wi-Fi off, check again.',
  'check.internet_unreachable.no_targets':
    'No addresses are set to be tried. Confirm by hand that there is no internet.',
  'check.displays.none': 'No display was found. Connect one.',
  'check.displays.more_than_one': 'More than one display. Leave one connected and check again.',
  'check.displays.small': 'The display is too small. Set at least 1024 × 768, or change it.',
  'check.displays.no_window': 'Without a window displays cannot be measured. Confirm by hand.',
  'check.input_devices.no_mouse': 'No mouse was found. Plug one in.',
  'check.input_devices.no_keyboard':
    'No keyboard. Candidates need only the mouse; plug one in to type the code.',
  'check.input_devices.not_listed': 'The system lists no devices. Try keyboard and mouse by hand.',
  'check.memory.low': 'Too little memory. Close other programs, or use another machine.',
  'check.memory.unreadable': 'Memory cannot be read. The system administrator should look.',
  'check.power.on_battery': 'Running on battery. Connect the power supply.',
  'check.power.not_reported': 'This machine reports no power supply. Confirm by hand that it is connected.',
  'check.database.damaged':
    'The database is damaged. Delete nothing, use another machine and call the center.',
  'check.database.objects_damaged':
    'Sealed files are damaged or missing. Delete nothing and call the center.',
  'check.database.unreadable': 'The database cannot be read. Restart and check again.',
  'check.packages.none_held': 'No papers yet. Pull them or import from a stick.',
  'check.packages.no_grant': 'The papers are here but there is no grant. Pull again, or call the center.',
  'check.packages.damaged': 'A package is damaged. Pull it again.',
  'check.packages.unreadable': 'The packages cannot be read. Pull them again.',
  'check.time_since_boot.long': 'Running for a long time. Restart once before the exam.',
}
