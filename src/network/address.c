/* Dotted quads, strictly: no octal, no short forms. */
#include "network/address.h"

bool address_parse(struct str text, u32 *ret_address)
{
	u32 address = 0;

	for (int i = 0; i < 4; i++) {
		struct str piece = str_cut(&text, '.');
		i64 value;

		if (piece.len == 0 || piece.len > 3 || (piece.len > 1 && piece.at[0] == '0') ||
		    piece.at[0] == '+' || !str_to_i64(piece, &value) || value < 0 || value > 255)
			return false;
		if ((i < 3) != (text.at != NULL))
			return false;
		address = address << 8 | (u32)value;
	}
	*ret_address = address;
	return true;
}

bool address_parse_range(struct str text, struct address_range *ret_range)
{
	struct str head = str_cut(&text, '/');
	struct address_range range;
	i64 prefix;

	if (!text.at || !address_parse(head, &range.first) || !str_to_i64(text, &prefix) ||
	    prefix < 0 || prefix > 32)
		return false;
	range.prefix = (u32)prefix;
	range.first &= prefix ? ~0u << (32 - prefix) : 0;
	*ret_range = range;
	return true;
}

struct str address_text(struct arena *arena, u32 address)
{
	return str_format(arena, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
			  address >> 8 & 255, address & 255);
}
