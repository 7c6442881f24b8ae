//! A hub from its enrolment to the results: delegated, named by the sitting, and heard for its terminals over real TLS.

use crate::day::{Day, Device, SITTING, START_MS};
use crate::ledger::Ledger;
use crate::protocol::{picture, receipt};
use crate::terminal::Terminal;
use crate::tls::{client, running};
use fengjuan_center::device::{self, DeviceState};
use fengjuan_center::hub::{self, Decided, NewDelegation, Standing};
use fengjuan_center::results::{self, Status};
use fengjuan_center::roll::{self, RollScope};
use fengjuan_center::{issue, now_ms};
use fengjuan_core::event::Event;
use fengjuan_envelope::cbor;
use fengjuan_envelope::note;
use fengjuan_envelope::sign::{PublicKey, SigningKey};
use fengjuan_wire::bundle::Outcome;
use fengjuan_wire::delegation::{HubDelegation, HubKeys};
use fengjuan_wire::directory::DeviceCertificate;
use fengjuan_wire::grant::{self, Grant};
use fengjuan_wire::upstream::{
    AttemptEntries, EnrolReply, EnrolRequest, EntriesReply, EntriesRequest, Refusal, RevokedDevice,
    Roll, UPLOAD_PART_BYTES, UploadState, VouchedDevices, VouchedReply,
};
use fengjuan_wire::{Hash32, Signed};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_bytes::ByteBuf;

/// A management station.
pub struct Station {
    pub device: Device,
    pub issuer: SigningKey,
    pub witness: SigningKey,
    pub receipt: SigningKey,
}

impl Station {
    pub fn new(seed: u8) -> Station {
        let key = |purpose: u8| SigningKey::from_seed(&[seed ^ (purpose << 5); 32]);
        Station {
            device: Device::new(seed),
            issuer: key(1),
            witness: key(2),
            receipt: key(3),
        }
    }

    pub fn keys(&self) -> HubKeys {
        HubKeys {
            issuer: self.issuer.public(),
            witness: self.witness.public(),
            receipt: self.receipt.public(),
        }
    }

    pub fn request(&self) -> EnrolRequest {
        EnrolRequest {
            hub: Some(self.keys()),
            ..self.device.request()
        }
    }

    pub fn enrol(&self, day: &Day) -> EnrolReply {
        device::enrol(&mut day.home.database().unwrap(), &self.request(), 1).unwrap()
    }

    pub fn fingerprint(&self, day: &Day) -> String {
        let conn = day.home.database().unwrap();
        let known = device::find(&conn, &self.device.sign.public()).unwrap();
        known.unwrap().fingerprint
    }

    /// Enrolled, and delegated for the whole site until well after the sitting and today.
    pub fn delegated(day: &Day, seed: u8) -> Station {
        let station = Station::new(seed);
        station.enrol(day);
        let until_ms = now_ms().max(START_MS) + 10 * DAY_MS;
        station.approve(day, None, until_ms - 20 * DAY_MS, until_ms);
        station
    }

    pub fn approve(&self, day: &Day, room: Option<&str>, from_ms: i64, until_ms: i64) -> Decided {
        let fingerprint = self.fingerprint(day);
        let new = NewDelegation {
            fingerprint: &fingerprint,
            room_no: room,
            until_ms: Some(until_ms),
            by: "周国华",
        };
        hub::approve(&day.home, &new, from_ms).unwrap()
    }

    /// The certificate that it gives to a terminal.
    pub fn certificate(&self, terminal: &Device, site: &str, approved_ms: i64) -> ByteBuf {
        let certificate = DeviceCertificate {
            device_name: terminal.name.clone(),
            site: site.to_owned(),
            sign: terminal.sign.public(),
            kem: terminal.kem.public(),
            approved_ms,
            approved_by: "P001".to_owned(),
        };
        ByteBuf::from(certificate.sign(&self.issuer).unwrap())
    }

    pub fn vouches(&self, terminals: &[&Device]) -> VouchedDevices {
        let certificates = terminals.iter();
        VouchedDevices {
            certificates: certificates
                .map(|terminal| self.certificate(terminal, "S01", START_MS - DAY_MS))
                .collect(),
            revoked: Vec::new(),
        }
    }

    /// Its own grant, wrapped again for a terminal without the code.
    pub fn grant(&self, day: &Day, terminal: &Device, version: u32) -> Grant {
        let own = day.grant(&self.device, version).unwrap();
        let context = grant::sitting_context("S01", SITTING, version).unwrap();
        let (locked, roster) = (own.locked(&self.device.kem), own.roster(&self.device.kem));
        let kem = terminal.kem.public();
        let made = Grant {
            device: terminal.sign.public(),
            locked_keys: grant::grant_locked(&locked.unwrap(), &kem, &context).unwrap(),
            roster_keys: grant::grant_roster(&roster.unwrap(), &kem, &context).unwrap(),
            ..own
        };
        let bytes = made.sign(&self.issuer).unwrap();
        let document = day.document(version);
        let delegate = document
            .delegates
            .iter()
            .find_map(|delegate| Grant::verify(delegate, &bytes).ok());
        delegate.expect("a grant of a delegate of the sitting")
    }
}

pub const DAY_MS: i64 = 86_400_000;

/// A device's line to the center.
pub struct Line {
    http: reqwest::Client,
    url: String,
}

impl Line {
    pub fn new(day: &Day, server: &fengjuan_center::server::Running, device: &Device) -> Line {
        Line {
            http: client(day.home.directory().tls_server, Some(&device.sign)),
            url: format!("https://{}", server.address),
        }
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, String> {
        let response = request.send().await.unwrap();
        let good = response.status().is_success();
        let body = response.bytes().await.unwrap();
        if good {
            return Ok(body.to_vec());
        }
        Err(cbor::from_slice::<Refusal>(&body).unwrap().code)
    }

    pub async fn get(&self, path: &str) -> Result<Vec<u8>, String> {
        self.answer(self.http.get(format!("{}{path}", self.url)))
            .await
    }

    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, String> {
        let body = cbor::to_vec(body).unwrap();
        let call = self.http.post(format!("{}{path}", self.url)).body(body);
        Ok(cbor::from_slice(&self.answer(call).await?).unwrap())
    }

    pub async fn vouch(&self, devices: &VouchedDevices) -> Vec<Option<String>> {
        let reply: VouchedReply = self.post("/v1/devices", devices).await.unwrap();
        reply.devices.into_iter().map(|line| line.refused).collect()
    }

    pub async fn entries(&self, request: &EntriesRequest) -> Result<EntriesReply, String> {
        self.post("/v1/entries", request).await
    }

    pub async fn upload(&self, hash: &Hash32, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut from = 0;
        loop {
            let to = (from + UPLOAD_PART_BYTES).min(bytes.len());
            let path = format!(
                "{}/v1/uploads/{}?offset={from}&total={}",
                self.url,
                hash.hex(),
                bytes.len()
            );
            let call = self.http.put(path).body(bytes[from..to].to_vec());
            let state: UploadState = cbor::from_slice(&self.answer(call).await?).unwrap();
            if let Some(receipt) = state.receipt {
                return Ok(receipt.into_vec());
            }
            from = state.offset as usize;
        }
    }
}

/// The same entries, sent by a hub for their device.
pub fn on_behalf(mut request: EntriesRequest, device: &Device) -> EntriesRequest {
    request.device = Some(device.sign.public());
    request
}

fn named(day: &Day, version: u32) -> Vec<PublicKey> {
    day.document(version).delegates
}

#[test]
fn a_hub_is_delegated_and_named_by_what_is_issued_from_then_on() {
    let day = Day::planned();
    day.issued();
    let station = Station::new(9);
    assert!(matches!(station.enrol(&day), EnrolReply::Pending { .. }));
    let until_ms = START_MS + DAY_MS;
    let decided = station.approve(&day, Some("R01"), START_MS - DAY_MS, until_ms);
    assert_eq!(decided.hub.device.state, DeviceState::Approved);
    assert_eq!(decided.to_reissue, [SITTING]);
    assert!(named(&day, 1).is_empty());
    issue::issue(&day.home, SITTING, START_MS - DAY_MS).unwrap();
    assert_eq!(named(&day, 2), [station.issuer.public()]);
    let EnrolReply::Approved { .. } = station.enrol(&day) else {
        panic!("the comparison of the fingerprint served for both")
    };
    let all = hub::list(&day.home, &day.home.database().unwrap()).unwrap();
    let Standing::Delegated(delegation) = &all[0].standing else {
        panic!("{:?}", all[0].standing)
    };
    assert_eq!(delegation.room_no.as_deref(), Some("R01"));
    // One that ends before the sitting begins is of no use to it.
    let early = station.approve(&day, None, START_MS - DAY_MS, START_MS);
    assert_eq!(early.to_reissue, [SITTING]);
    let late = station.approve(&day, None, START_MS - DAY_MS, until_ms);
    assert!(late.to_reissue.is_empty());
    let fingerprint = station.fingerprint(&day);
    let withdrawn = hub::revoke(&day.home, &fingerprint, "周国华", START_MS).unwrap();
    assert_eq!(withdrawn.hub.standing, Standing::Withdrawn);
    assert_eq!(withdrawn.to_reissue, [SITTING]);
    issue::issue(&day.home, SITTING, START_MS).unwrap();
    assert!(named(&day, 3).is_empty());
    // A device that is put out of use is no hub either.
    station.approve(&day, None, START_MS, until_ms);
    device::revoke(&day.home, &fingerprint, "周国华", START_MS).unwrap();
    issue::issue(&day.home, SITTING, START_MS).unwrap();
    assert!(named(&day, 4).is_empty());
}

#[tokio::test]
async fn a_hub_speaks_for_its_terminals_over_tls() {
    let day = Day::planned();
    let station = Station::delegated(&day, 9);
    day.issued();
    let terminal = Device::new(1);
    let server = running(&day).await;
    let line = Line::new(&day, &server, &station.device);
    let directory = day.home.directory();
    let signed = line.get("/v1/delegation").await.unwrap();
    let (issuer, center) = (&directory.issuer, &directory.center_id);
    let delegation = HubDelegation::trusted(issuer, center, "S01", now_ms(), &signed).unwrap();
    assert_eq!(delegation.device, station.device.sign.public());
    assert_eq!(delegation.issuer, station.issuer.public());

    // Sent twice, as after a lost answer.
    let vouched = station.vouches(&[&terminal]);
    assert_eq!(line.vouch(&vouched).await, [None]);
    assert_eq!(line.vouch(&vouched).await, [None]);
    let known = device::list(&day.home.database().unwrap()).unwrap();
    let known = known
        .iter()
        .find(|known| known.sign == terminal.sign.public());
    assert_eq!(known.unwrap().state, DeviceState::Vouched);

    let mut ledger = Ledger::new(&day.home, 5);
    let attempt = [9; 16];
    let identified = Event::Identified {
        sitting_no: SITTING.to_owned(),
        ticket_hash: Hash32([1; 32]),
        seat_no: 1,
    };
    ledger.add(Some(attempt), &identified, START_MS - 60_000, None);
    ledger.add(Some(attempt), &Event::RulesAgreed {}, START_MS, None);
    let request = on_behalf(ledger.request(&terminal, 0), &terminal);
    let reply = line.entries(&request).await.unwrap();
    let EntriesReply::Stored {
        size: 2,
        cosigned: Some(cosigned),
    } = reply
    else {
        panic!("{reply:?}")
    };
    let witness = (directory.witness_name(), directory.witness);
    let checked = note::verify(
        &cosigned,
        &directory.ledger_origin(&ledger.id),
        &terminal.sign.public(),
        Some((&witness.0, &witness.1)),
    );
    assert!(checked.unwrap().cosigned.is_some());
    let path = format!("/v1/attempts/{}/entries", "09".repeat(16));
    let back = line.get(&path).await.unwrap();
    let back: AttemptEntries = cbor::from_slice(&back).unwrap();
    assert_eq!(back.entries, ledger.of_attempt(&attempt));

    let (hash, bytes) = picture(&day, &terminal, 300_000);
    let given = receipt(&day, &line.upload(&hash, &bytes).await.unwrap());
    assert_eq!((given.object, given.bytes), (hash, bytes.len() as u64));
    let conn = day.home.database().unwrap();
    let sql = "SELECT device, uploader FROM received";
    let row = conn.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    let (sealed_by, uploader): ([u8; 32], [u8; 32]) = row.unwrap();
    assert_eq!(sealed_by, *terminal.sign.public().as_bytes());
    assert_eq!(uploader, *station.device.sign.public().as_bytes());

    let scope = RollScope {
        site: None,
        sitting_no: Some(SITTING.to_owned()),
    };
    let signed = roll::signed(&day.home, &scope, 9).unwrap();
    let roll = Roll::verify(&directory.witness, &signed).unwrap();
    assert_eq!((roll.ledgers.len(), roll.ledgers[0].size), (1, 2));
    server.stop().await;
}

/// A candidate at a terminal that only the hub knows, with a grant that the hub made.
async fn sat_behind_a_hub(day: &Day, station: &Station) -> results::Results {
    let device = Device::new(1);
    let server = running(day).await;
    let line = Line::new(day, &server, &station.device);
    assert_eq!(line.vouch(&station.vouches(&[&device])).await, [None]);
    let grant = station.grant(day, &device, 1);
    let mut terminal = Terminal::with_grant(day, &device, 5, &grant);
    let mut sat = terminal.candidate("C1", 0);
    terminal.identify(&mut sat);
    terminal.confirm(&sat);
    terminal.start(&mut sat, START_MS);
    terminal.answer(&mut sat, 83);
    terminal.hand_in(&mut sat, true);
    let outcome = Outcome::Attempted {
        site_half_points: Some(166),
    };
    let bundle = terminal.bundle(&mut sat, outcome);
    let request = on_behalf(terminal.ledger.request(&device, 0), &device);
    line.entries(&request).await.unwrap();
    let (hash, bytes) = terminal.seal(&bundle);
    for (hash, bytes) in sat.objects.iter().chain([&(hash, bytes)]) {
        line.upload(hash, bytes).await.unwrap();
    }
    server.stop().await;
    results::open(&day.home, SITTING, 99).unwrap()
}

#[tokio::test]
async fn results_of_a_terminal_that_only_its_hub_knows_count_and_are_listed() {
    let day = Day::planned();
    let station = Station::delegated(&day, 9);
    day.issued();
    let results = sat_behind_a_hub(&day, &station).await;
    let codes: Vec<&str> = results.anomalies.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["results.vouched_by_hub"], "{:?}", results.anomalies);
    assert_eq!(results.anomalies[0].detail, station.device.name);
    let graded = results.candidates.iter().find(|line| line.grade.is_some());
    assert_eq!(graded.unwrap().status, Status::Normal);
    // Withdrawn later: what was sealed before is what it was.
    let fingerprint = station.fingerprint(&day);
    hub::revoke(&day.home, &fingerprint, "周国华", START_MS + DAY_MS).unwrap();
    let again = results::open(&day.home, SITTING, 99).unwrap();
    assert_eq!(again.anomalies, results.anomalies);
}

#[tokio::test]
async fn results_of_a_terminal_that_its_hub_lets_in_no_more_count_and_are_marked() {
    let day = Day::planned();
    let station = Station::delegated(&day, 9);
    day.issued();
    sat_behind_a_hub(&day, &station).await;
    let device = Device::new(1);
    let take_back = async |revoked_ms| {
        let server = running(&day).await;
        let line = Line::new(&day, &server, &station.device);
        let revoked = RevokedDevice {
            device: device.sign.public(),
            revoked_ms,
        };
        let words = VouchedDevices {
            certificates: Vec::new(),
            revoked: vec![revoked],
        };
        assert!(line.vouch(&words).await.is_empty());
        server.stop().await;
    };
    let listed = || {
        let results = results::open(&day.home, SITTING, 99).unwrap();
        let graded = results.candidates.iter().find(|line| line.grade.is_some());
        let status = graded.unwrap().status;
        let codes = results.anomalies.iter().map(|found| found.code);
        (codes.collect::<Vec<_>>(), status)
    };
    // Sealed before it was taken off the list: it counts as it did.
    take_back(i64::MAX).await;
    let expected = vec!["results.device_revoked", "results.vouched_by_hub"];
    let (mut codes, status) = listed();
    codes.sort_unstable();
    assert_eq!((codes, status), (expected, Status::Normal));
    // The hub's first word stands.
    take_back(0).await;
    assert!(listed().0.contains(&"results.device_revoked"));
    let conn = day.home.database().unwrap();
    conn.execute("UPDATE vouches SET revoked_ms = 0", [])
        .unwrap();
    let (codes, status) = listed();
    assert!(codes.contains(&"results.sealed_after_revoked"), "{codes:?}");
    assert_eq!(status, Status::ToReview);
}

#[tokio::test]
async fn results_from_beyond_a_hubs_room_or_time_are_reviewed() {
    let day = Day::planned();
    let station = Station::delegated(&day, 9);
    day.issued();
    sat_behind_a_hub(&day, &station).await;
    let reviewed = |code: &str| {
        let results = results::open(&day.home, SITTING, 99).unwrap();
        let codes: Vec<&str> = results.anomalies.iter().map(|found| found.code).collect();
        assert!(codes.contains(&code), "{codes:?}");
        let graded = results.candidates.iter().find(|line| line.grade.is_some());
        assert_eq!(graded.unwrap().status, Status::ToReview, "{code}");
    };
    let conn = day.home.database().unwrap();
    let issuer = day.home.keys();
    let issuer = issuer
        .signing(fengjuan_center::keys::KeyRole::Issuer)
        .unwrap();
    let change = |change: &dyn Fn(&mut HubDelegation)| {
        let sql = "SELECT signed FROM delegations";
        let signed: Vec<u8> = conn.query_row(sql, [], |row| row.get(0)).unwrap();
        let mut delegation = HubDelegation::verify(&issuer.public(), &signed).unwrap();
        change(&mut delegation);
        let signed = delegation.sign(&issuer).unwrap();
        conn.execute("UPDATE delegations SET signed = ?1", [signed])
            .unwrap();
    };
    change(&|delegation| delegation.not_after_ms = START_MS + 60_000);
    reviewed("results.hub_expired");
    change(&|delegation| delegation.room_no = Some("R02".to_owned()));
    reviewed("results.hub_other_room");
    // Never approved while the hub might: nobody's device.
    change(&|delegation| delegation.not_after_ms = START_MS - 2 * DAY_MS);
    let results = results::open(&day.home, SITTING, 99).unwrap();
    let unknown = |found: &results::Anomaly| found.code == "results.unknown_device";
    assert!(results.anomalies.iter().any(unknown));
}
