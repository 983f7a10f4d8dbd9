/*
 * A column is a run of consecutive lines that all have a cell ending in a tab at that place. The
 * width of a run is found first, then the columns to its right within the run, and so on inwards.
 */
#include "cli/tabs.h"

enum { PADDING = 2, COLUMNS_MAX = 32 };

struct line {
	struct str cells[COLUMNS_MAX];
	u32 len; /* the last cell ends with the line and is part of no column */
};

struct layout {
	struct line *lines;
	u32 len;
	u32 widths[COLUMNS_MAX];
	u32 columns;
	struct buffer *out;
};

static u32 shown_width(struct str text)
{
	u32 width = 0;

	for (size_t i = 0; i < text.len; i++)
		width += ((u8)text.at[i] & 0xC0) != 0x80;
	return width;
}

static void print_lines(struct layout *layout, u32 first, u32 end)
{
	for (u32 i = first; i < end; i++) {
		struct line *line = &layout->lines[i];

		for (u32 c = 0; c < line->len; c++) {
			buffer_add_str(layout->out, line->cells[c]);
			if (c + 1 == line->len)
				break;
			u32 wide = c < layout->columns ? layout->widths[c] : 0;

			for (u32 at = shown_width(line->cells[c]); at < wide; at++)
				buffer_add_char(layout->out, ' ');
		}
		if (i + 1 < layout->len)
			buffer_add_char(layout->out, '\n');
	}
}

static void format_lines(struct layout *layout, u32 first, u32 end)
{
	u32 column = layout->columns;

	for (u32 i = first; i < end; i++) {
		if (column + 1 >= layout->lines[i].len || column + 1 >= COLUMNS_MAX)
			continue;
		/* A run starts here: what stands before it is done. */
		u32 run = i, width = 0;

		print_lines(layout, first, i);
		for (; run < end && column + 1 < layout->lines[run].len; run++)
			width = MAX(width, shown_width(layout->lines[run].cells[column]) + PADDING);
		layout->widths[layout->columns++] = width;
		format_lines(layout, i, run);
		layout->columns--;
		first = run;
		i = run - 1;
	}
	print_lines(layout, first, end);
}

void tabs_align(struct arena *arena, struct str text, struct buffer *out)
{
	struct layout layout = { .out = out };
	u32 lines = 1;

	for (size_t i = 0; i < text.len; i++)
		lines += text.at[i] == '\n';
	layout.lines = ARENA_ARRAY(arena, struct line, lines);
	while (text.at && layout.len < lines) {
		struct line *line = &layout.lines[layout.len++];
		struct str rest = str_cut(&text, '\n');

		while (rest.at && line->len < COLUMNS_MAX - 1)
			line->cells[line->len++] = str_cut(&rest, '\t');
		if (rest.at)
			line->cells[line->len++] = rest;
	}
	format_lines(&layout, 0, layout.len);
}
