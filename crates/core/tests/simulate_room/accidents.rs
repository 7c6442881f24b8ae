//! What goes wrong.

use crate::network::Party;
use crate::world::{MINUTE, World};

impl World {
    pub(super) fn accidents(&mut self) {
        let now = self.now;
        let some = self.terminals.len() as u32;
        match self.below(200) {
            0 | 1 => {
                let no = self.below(some) as usize;
                self.stop_terminal(no, false);
            }
            2 | 3 => {
                let no = self.below(some) as usize;
                self.stop_terminal(no, true);
                self.see("terminal reboot");
            }
            4 => {
                let no = self.below(2) as usize;
                self.hubs[no].up = false;
                self.hubs[no].down_until = now + i64::from(self.choice.below(90_000));
                self.see("hub restart");
            }
            5 | 6 => {
                let (no, hub) = (self.below(some) as usize, self.below(2) as usize);
                let until = now + i64::from(self.choice.below(120_000));
                self.network
                    .cut(Party::Terminal(no), Party::Hub(hub), until);
            }
            7 => {
                let until = now + i64::from(self.choice.below(180_000));
                self.network.cut(Party::Hub(0), Party::Hub(1), until);
            }
            8 => {
                let hub = self.below(2) as usize;
                let until = now + i64::from(self.choice.below(300_000));
                self.network.cut(Party::Hub(hub), Party::Center, until);
            }
            9 => self.switch_dies(),
            10 => {
                let candidate = self.below(self.candidates as u32) as usize;
                let no = self.below(some) as usize;
                let free = self.terminals[no].program.as_ref();
                if free.is_some_and(|program| program.sits.is_none()) && !self.at.contains(&no) {
                    self.terminals[no].identify(candidate, now);
                    self.see("two terminals");
                }
            }
            _ => {}
        }
    }

    /// Power, or the program alone.
    fn stop_terminal(&mut self, no: usize, power: bool) {
        let (now, long) = (self.now, self.below(4) == 0);
        let away_ms = if long { 180_000 } else { 20_000 };
        let away_ms = i64::from(self.below(away_ms));
        let wall_error_ms = (i64::from(self.below(61)) - 30) * MINUTE;
        let wrong_clock = self.below(3) == 0;
        let terminal = &mut self.terminals[no];
        if terminal.program.is_none() {
            return;
        }
        terminal.program = None;
        terminal.down_until = now + away_ms;
        if power {
            terminal.boots = terminal.boots.wrapping_add(1);
            terminal.booted_ms = now + away_ms;
            if wrong_clock {
                terminal.wall_error_ms = wall_error_ms;
            }
        }
    }

    fn switch_dies(&mut self) {
        let until = self.now + i64::from(self.choice.below(60_000));
        for no in 0..self.terminals.len() {
            for hub in 0..2 {
                self.network
                    .cut(Party::Terminal(no), Party::Hub(hub), until);
            }
        }
    }
}
