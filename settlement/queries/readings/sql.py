"""What the database is asked for the queue of readings. Starts come as ms since 1970; market, site, days by name."""

# As long as this stays the same, the queue does: readings, what was decided, runs, points and what is behind them.
STAMP = """
    SELECT (SELECT coalesce(sum(revision), 0) FROM meters_intervalrevision WHERE site_id = %(site)s
            AND start >= %(since)s),
           (SELECT count(*) FROM trading_contract WHERE market_id = %(market)s AND delivery_start >= %(since)s
            AND delivery_end <= %(over)s),
           (SELECT coalesce(max(id), 0) FROM settlement_settlementrun WHERE market_id = %(market)s),
           (SELECT (count(*), count(*) FILTER (WHERE state = 'proposed'), max(decided_at))::text
            FROM settlement_readingdecision WHERE market_id = %(market)s),
           (SELECT (count(*), sum(max_import_w), sum(max_export_w), max(id))::text FROM meters_meteringpoint
            WHERE site_id = %(site)s),
           (SELECT (count(*), sum(peak_w), max(id))::text FROM meters_device WHERE site_id = %(site)s)
"""

POINTS = """
    SELECT p.id, p.code, p.role, a.code, a.name FROM meters_meteringpoint p
    JOIN accounts_participant a ON a.id = p.participant_id WHERE p.site_id = %s
"""

# A point is expected to report from its first reading on, or from the day its first meter was hung up.
GAPS = """
    WITH expected AS (
        SELECT p.id, least(
            (SELECT min(r.start) FROM meters_reading r WHERE r.metering_point_id = p.id),
            (SELECT min(m.installed_on)::timestamp AT TIME ZONE s.timezone FROM meters_meter m
             WHERE m.metering_point_id = p.id)
        ) AS since FROM meters_meteringpoint p JOIN meters_site s ON s.id = p.site_id WHERE p.site_id = %(site)s
    )
    SELECT p.id, (extract(epoch FROM c.delivery_start) * 1000)::bigint
    FROM trading_contract c JOIN expected p ON p.since <= c.delivery_start
    WHERE c.market_id = %(market)s AND c.delivery_start >= %(since)s AND c.delivery_end <= %(over)s
    AND NOT EXISTS (
        SELECT FROM meters_reading r
        WHERE r.site_id = %(site)s AND r.start = c.delivery_start AND r.metering_point_id = p.id
    )
"""

# A roof's own meter carries what its panels can give, and a tenth more; a boundary what its connection is made for.
SUSPECT = """
    WITH points AS (
        SELECT p.id, p.max_import_w, least(p.max_export_w, CASE WHEN p.role = 'generation' THEN (
                   SELECT nullif(sum(d.peak_w), 0) * 11 / 10 FROM meters_device d
                   WHERE d.site_id = p.site_id AND d.participant_id = p.participant_id AND d.kind = 'pv'
               ) END) AS max_export_w,
               p.role = 'boundary' AND NOT EXISTS (
                   SELECT FROM meters_device d WHERE d.site_id = p.site_id AND d.participant_id = p.participant_id
               ) AND NOT EXISTS (
                   SELECT FROM meters_meteringpoint q WHERE q.site_id = p.site_id
                   AND q.participant_id = p.participant_id AND q.role IN ('generation', 'storage')
               ) AS bare
        FROM meters_meteringpoint p WHERE p.site_id = %(site)s
    ), judged AS (
        SELECT r.*, r.quality = 'estimated' AS estimated,
               coalesce(r.import_wh * 60 > p.max_import_w * r.minutes, false)
               OR coalesce(r.export_wh * 60 > p.max_export_w * r.minutes, false) AS over,
               p.bare AND r.export_wh > 0 AS bare
        FROM (
            SELECT DISTINCT ON (start, metering_point_id) * FROM meters_reading
            WHERE site_id = %(site)s AND start >= %(since)s AND minutes = %(minutes)s
            ORDER BY start, metering_point_id, version DESC
        ) r JOIN points p ON p.id = r.metering_point_id
    )
    SELECT metering_point_id, (extract(epoch FROM start) * 1000)::bigint, import_wh, export_wh, version, estimated,
           over, bare
    FROM judged WHERE estimated OR over OR bare
"""

# Contracts with readings that their last run has not seen: the loads that came since are the newest ones.
LATE = """
    SELECT DISTINCT ON (r.start, r.metering_point_id)
           r.metering_point_id, (extract(epoch FROM r.start) * 1000)::bigint, r.version, r.import_wh, r.export_wh,
           r.quality = 'estimated'
    FROM trading_contract c
    JOIN meters_intervalrevision i ON i.site_id = %(site)s AND i.start = c.delivery_start
    CROSS JOIN LATERAL (
        SELECT reading_revision FROM settlement_settlementrun WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) last
    CROSS JOIN LATERAL (
        SELECT min(received_at) AS since FROM (
            SELECT DISTINCT received_at FROM meters_reading WHERE site_id = %(site)s AND start = c.delivery_start
            ORDER BY received_at DESC LIMIT i.revision - last.reading_revision
        ) loads
    ) unseen
    JOIN meters_reading r ON r.site_id = %(site)s AND r.start = c.delivery_start AND r.received_at >= unseen.since
    WHERE c.market_id = %(market)s AND c.delivery_start >= %(since)s AND c.state IN ('CLEARED', 'FINAL')
    AND i.revision > last.reading_revision
    ORDER BY r.start, r.metering_point_id, r.version DESC
"""

# The latest reading of every point in some days, for their shapes.
SHAPES = """
    SELECT DISTINCT ON (r.start, r.metering_point_id)
           r.metering_point_id, (extract(epoch FROM r.start) * 1000)::bigint, r.version, r.import_wh, r.export_wh,
           r.quality = 'estimated'
    FROM meters_reading r WHERE r.site_id = %(site)s AND r.start >= %(since)s AND r.start < %(until)s
    AND r.minutes = %(minutes)s ORDER BY r.start, r.metering_point_id, r.version DESC
"""
