//! The center must answer, and the internet must not.

use super::measured::{fail, not_measured, pass, warn};
use crate::machine::Machine;
use crate::upstream::{Upstream, UpstreamError};
use crate::view::{Check, CheckRow};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_millis(1500);
const ROUND_TRIP_LIMIT: &str = "≤ 2000 ms";
const OFFSET_LIMIT: &str = "± 2 s";

/// Well-known public services, by address: a name that is not found proves nothing. One that answers is the internet.
pub const PUBLIC_ADDRESSES: [SocketAddr; 11] = [
    address(223, 5, 5, 5, 53),
    address(114, 114, 114, 114, 53),
    address(119, 29, 29, 29, 80),
    address(180, 76, 76, 76, 53),
    address(1, 1, 1, 1, 443),
    address(8, 8, 8, 8, 53),
    address_v6([0x2400, 0x3200, 0, 0, 0, 0, 0, 1], 53),
    address_v6([0x2402, 0x4e00, 0, 0, 0, 0, 0, 0], 53),
    address_v6([0x2400, 0xda00, 0, 0, 0, 0, 0, 0x6666], 53),
    address_v6([0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111], 443),
    address_v6([0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888], 53),
];

const fn address(a: u8, b: u8, c: u8, d: u8, port: u16) -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port))
}

const fn address_v6(s: [u16; 8], port: u16) -> SocketAddr {
    let ip = Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
    SocketAddr::V6(SocketAddrV6::new(ip, port, 0, 0))
}

/// Reachability and clock offset come from one signed answer.
pub(super) async fn center<U: Upstream>(
    upstream: Option<&U>,
    machine: &dyn Machine,
) -> [CheckRow; 2] {
    let (reach, offset) = (Check::CenterReachable, Check::ClockOffset);
    let no_clock = not_measured(offset, "check.clock_offset.no_center");
    let Some(upstream) = upstream else {
        return [
            not_measured(reach, "check.center_reachable.not_set_up"),
            no_clock,
        ];
    };
    let answer = upstream.signed_time().await;
    match answer {
        Ok(time) => {
            let round_trip_ms = time.received_boot_ms - time.sent_boot_ms;
            let value = format!("{round_trip_ms} ms");
            let reached = if round_trip_ms <= 2_000 {
                pass(reach, value, ROUND_TRIP_LIMIT)
            } else {
                warn(
                    reach,
                    value,
                    ROUND_TRIP_LIMIT,
                    "check.center_reachable.slow",
                )
            };
            let elapsed_ms = machine.boot_ms() - time.received_boot_ms;
            let center_now_ms = time.unix_ms + round_trip_ms / 2 + elapsed_ms;
            [reached, clock_row(machine.wall_ms() - center_now_ms)]
        }
        Err(error) => [unreached(&error), no_clock],
    }
}

fn unreached(error: &UpstreamError) -> CheckRow {
    let check = Check::CenterReachable;
    let value = error.code().to_owned();
    match error {
        UpstreamError::Refused { .. } | UpstreamError::CertificateRefused { .. } => fail(
            check,
            value,
            ROUND_TRIP_LIMIT,
            "check.center_reachable.refused",
        ),
        UpstreamError::Pin
        | UpstreamError::NotAuthentic { .. }
        | UpstreamError::Malformed { .. } => fail(
            check,
            value,
            ROUND_TRIP_LIMIT,
            "check.center_reachable.not_authentic",
        ),
        _ => fail(
            check,
            value,
            ROUND_TRIP_LIMIT,
            "check.center_reachable.unreachable",
        ),
    }
}

/// The machine's own clock, which is all there is after a power cut without a line.
fn clock_row(offset_ms: i64) -> CheckRow {
    let value = format!("{:+.2} s", offset_ms as f64 / 1000.0);
    match offset_ms.abs() {
        0..=2_000 => pass(Check::ClockOffset, value, OFFSET_LIMIT),
        2_001..=60_000 => warn(
            Check::ClockOffset,
            value,
            OFFSET_LIMIT,
            "check.clock_offset.far",
        ),
        _ => fail(
            Check::ClockOffset,
            value,
            OFFSET_LIMIT,
            "check.clock_offset.far",
        ),
    }
}

/// One public address that accepts a connection is enough to fail.
pub(super) async fn internet(addresses: &[SocketAddr], root: &Path) -> CheckRow {
    const LIMIT: &str = "0";
    let check = Check::InternetUnreachable;
    if addresses.is_empty() {
        return not_measured(check, "check.internet_unreachable.no_targets");
    }
    let mut tries = tokio::task::JoinSet::new();
    for address in addresses.iter().copied() {
        tries.spawn(async move {
            let connected =
                tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(address)).await;
            matches!(connected, Ok(Ok(_))).then_some(address)
        });
    }
    let reached = tries.join_all().await.into_iter().flatten().min();
    let gateway = default_routes(root);
    match reached {
        Some(address) => fail(
            check,
            format!("{address}{gateway}"),
            LIMIT,
            "check.internet_unreachable.reached",
        ),
        None => pass(check, format!("0/{}{gateway}", addresses.len()), LIMIT),
    }
}

/// Routes to everywhere are told beside the verdict; alone they prove nothing, since the center may be behind them.
fn default_routes(root: &Path) -> String {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap_or_default();
    let v4 = read("proc/net/route").lines().skip(1).any(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some("00000000")
    });
    // Destination, its prefix length, …, interface; the kernel keeps a refusing one on `lo` where there is no other.
    let v6 = read("proc/net/ipv6_route").lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [destination, prefix, .., interface] = words.as_slice() else {
            return false;
        };
        destination.bytes().all(|digit| digit == b'0') && *prefix == "00" && *interface != "lo"
    });
    let mut told = String::new();
    if v4 {
        told.push_str(" · 0.0.0.0/0");
    }
    if v6 {
        told.push_str(" · ::/0");
    }
    told
}
