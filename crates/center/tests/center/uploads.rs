//! Sealed objects on their way to a receipt.

use crate::day::Day;
use crate::protocol::{Caller, answer, app, picture, receipt};
use axum::http::{Method, StatusCode};
use fengjuan_wire::upstream::{UPLOAD_PART_BYTES, UploadState};
use std::fs;

#[tokio::test]
async fn an_upload_goes_on_after_every_interruption() {
    let day = Day::planned();
    let terminal = day.approved(1);
    day.issued();
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let seed = 20_261_121u64;
    println!("seed {seed}");
    let length = 2 * UPLOAD_PART_BYTES + 777;
    let mut cuts: Vec<usize> = vec![0, 1];
    for boundary in [UPLOAD_PART_BYTES, 2 * UPLOAD_PART_BYTES] {
        cuts.extend([boundary - 1, boundary, boundary + 1]);
    }
    let mut random = seed;
    while cuts.len() < 208 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        cuts.push((random >> 33) as usize % length);
    }
    for (number, cut) in cuts.into_iter().enumerate() {
        // Small objects keep 200 offsets quick; the cut is scaled to them.
        let scaled = if number < 8 { length } else { 9_000 };
        let (hash, bytes) = picture(&day, &terminal, scaled);
        let cut = cut
            .min(cut * bytes.len() / length.max(1))
            .min(bytes.len() - 1);
        let mut sent = 0;
        while sent < cut {
            let state = caller
                .part(&hash, &bytes, sent, (cut - sent).min(UPLOAD_PART_BYTES))
                .await
                .unwrap();
            sent = state.offset as usize;
        }
        // The line is cut here; a stale or wrong offset changes nothing and is told where to go on.
        let state = caller
            .part(&hash, &bytes, (sent + 1).min(bytes.len() - 1), 10)
            .await
            .unwrap();
        assert_eq!(
            (state.offset as usize, state.receipt),
            (cut, None),
            "cut {cut}"
        );
        let state: UploadState = caller.get(&format!("/v1/uploads/{}", hash.hex())).await;
        assert_eq!(state.offset as usize, cut);
        let signed = caller.upload(&hash, &bytes).await;
        let receipt = receipt(&day, &signed);
        assert_eq!(
            (receipt.object, receipt.bytes, receipt.position),
            (hash, bytes.len() as u64, number as u64 + 1)
        );
        assert_eq!(fs::read(day.home.received(&hash)).unwrap(), bytes);
    }
    assert_eq!(
        fs::read_dir(day.home.path().join("received/parts"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn the_same_object_twice_gets_the_same_receipt() {
    let day = Day::planned();
    let (terminal, courier) = (day.approved(1), day.approved(2));
    day.issued();
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let (hash, bytes) = picture(&day, &terminal, 5000);
    let first = caller.upload(&hash, &bytes).await;
    let again = caller.part(&hash, &bytes, 0, bytes.len()).await.unwrap();
    assert_eq!(again.receipt.unwrap().into_vec(), first);
    // From another device of the site, as a courier would bring it, after a restart of the server.
    let by_courier = Caller {
        app: app(&day),
        device: &courier,
    };
    assert_eq!(by_courier.upload(&hash, &bytes).await, first);
    let rows: u32 = day
        .home
        .database()
        .unwrap()
        .query_row("SELECT count(*) FROM received", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn what_is_not_the_object_is_dropped_whole() {
    let day = Day::planned();
    let terminal = day.approved(1);
    day.issued();
    let caller = Caller {
        app: app(&day),
        device: &terminal,
    };
    let (hash, bytes) = picture(&day, &terminal, 5000);
    let mut changed = bytes.clone();
    changed[3000] ^= 1;
    let refused = caller
        .part(&hash, &changed, 0, changed.len())
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        (StatusCode::UNPROCESSABLE_ENTITY, "upload.hash".to_owned())
    );
    let state: UploadState = caller.get(&format!("/v1/uploads/{}", hash.hex())).await;
    assert_eq!((state.offset, state.receipt), (0, None));
    caller.upload(&hash, &bytes).await;
    // Anything else than a sealed object gets no receipt.
    let noise = vec![7u8; 100];
    let noise_hash = fengjuan_wire::hash(&noise);
    assert_eq!(
        caller
            .part(&noise_hash, &noise, 0, 100)
            .await
            .unwrap_err()
            .1,
        "upload.not_an_object"
    );
    // Limits.
    let path = format!("/v1/uploads/{}", noise_hash.hex());
    for (query, code) in [
        ("offset=0&total=0", "upload.total"),
        ("offset=0&total=99999999999", "upload.total"),
        ("offset=90&total=95", "upload.beyond_total"),
        (
            "offset=18446744073709551615&total=95",
            "upload.beyond_total",
        ),
    ] {
        let response = caller
            .send(Method::PUT, &format!("{path}?{query}"), noise.clone(), None)
            .await;
        assert_eq!(
            answer::<UploadState>(response).await.unwrap_err().1,
            code,
            "{query}"
        );
    }
    let large = caller
        .send(
            Method::PUT,
            &format!("{path}?offset=0&total=9999999"),
            vec![0; UPLOAD_PART_BYTES + 1],
            None,
        )
        .await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let huge = caller
        .send(
            Method::POST,
            "/v1/entries",
            vec![0; 4 * 1024 * 1024 + 1],
            None,
        )
        .await;
    assert_eq!(huge.status(), StatusCode::PAYLOAD_TOO_LARGE);
}
