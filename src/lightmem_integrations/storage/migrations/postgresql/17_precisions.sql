-- How exactly the dates of facts and claims are known: 'day', 'month' or 'year'. ``stated_to`` has its
-- own, as ``valid_to`` may be the beginning of what took a fact's place.

ALTER TABLE facts ADD COLUMN valid_from_precision TEXT COLLATE "C" NOT NULL DEFAULT 'day';
ALTER TABLE facts ADD COLUMN valid_to_precision TEXT COLLATE "C" NOT NULL DEFAULT 'day';
ALTER TABLE facts ADD COLUMN stated_to_precision TEXT COLLATE "C" NOT NULL DEFAULT 'day';
ALTER TABLE assertions ADD COLUMN since_precision TEXT COLLATE "C" NOT NULL DEFAULT 'day';
ALTER TABLE assertions ADD COLUMN stated_to_precision TEXT COLLATE "C" NOT NULL DEFAULT 'day';
