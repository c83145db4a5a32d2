package store

import (
	"context"

	"epistle/internal/epistle"
)

var selectVideos = `SELECT id, title_en, title_ko, body_en, body_ko, url, ` +
	usedOnce(epistle.VideoItem, "video.id") + ` AS state, created_at, version FROM video`

type videoRow struct {
	ID        int64
	TitleEN   string `db:"title_en"`
	TitleKO   string `db:"title_ko"`
	BodyEN    string `db:"body_en"`
	BodyKO    string `db:"body_ko"`
	URL       string
	State     string
	CreatedAt int64 `db:"created_at"`
	Version   int64
}

func (r videoRow) video() epistle.Video {
	return epistle.Video{ID: r.ID, Title: epistle.Text{EN: r.TitleEN, KO: r.TitleKO}, Body: epistle.Text{EN: r.BodyEN, KO: r.BodyKO},
		URL: r.URL, State: epistle.ItemState(r.State), CreatedAt: fromMicros(r.CreatedAt), Version: r.Version}
}

// Video returns a video.
func (s *Store) Video(ctx context.Context, id epistle.ID) (epistle.Video, error) {
	var row videoRow
	query, args := single(selectVideos, nil, id)
	if err := s.read().get(ctx, &row, query, args...); err != nil {
		return epistle.Video{}, s.mapError(ctx, err)
	}
	return row.video(), nil
}

// Videos lists videos, the newest first. A current video that was mailed reads
// as used.
func (s *Store) Videos(ctx context.Context, f PoolFilter) ([]epistle.Video, error) {
	var rows []videoRow
	query, args := listed(selectVideos, nil, f)
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	videos := make([]epistle.Video, len(rows))
	for i, r := range rows {
		videos[i] = r.video()
	}
	return videos, nil
}

// CreateVideo keeps a new video and returns its id.
func (s *Store) CreateVideo(ctx context.Context, v epistle.Video, e epistle.AuditEntry) (epistle.ID, error) {
	return s.createItem(ctx, e, func(q queries, id epistle.ID) error {
		_, err := q.exec(ctx, `INSERT INTO video (id, title_en, title_ko, body_en, body_ko, url, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			id, v.Title.EN, v.Title.KO, v.Body.EN, v.Body.KO, v.URL, string(v.State), micros(e.At))
		return err
	})
}

// UpdateVideo changes a video's words and address, if nobody did since
// v.Version.
func (s *Store) UpdateVideo(ctx context.Context, v epistle.Video, e epistle.AuditEntry) error {
	return s.updateItem(ctx, "video", v.ID, e, func(q queries) (int64, error) {
		return q.exec(ctx, `UPDATE video SET title_en = ?, title_ko = ?, body_en = ?, body_ko = ?, url = ?, version = version + 1
			WHERE id = ? AND version = ?`, v.Title.EN, v.Title.KO, v.Body.EN, v.Body.KO, v.URL, v.ID, v.Version)
	})
}
