ALTER TABLE job ADD COLUMN retrieve TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN files_wanted TEXT NOT NULL DEFAULT '[]';
ALTER TABLE job ADD COLUMN folder_wanted TEXT NOT NULL DEFAULT '';
ALTER TABLE removed ADD COLUMN client_token TEXT NOT NULL DEFAULT '';
CREATE INDEX removed_by_token ON removed (client_token);
