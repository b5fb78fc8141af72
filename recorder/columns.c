#include <errno.h>
#include <string.h>
#include "recorder/columns.h"

static int member_find(struct member *member, const struct btf *btf, uint32_t type_id,
		       const struct reference *references)
{
	const struct btf_type *type = btf__type_by_id(btf, type_id);
	const char *name = "";
	while (type && (btf_is_typedef(type) || btf_is_volatile(type) || btf_is_const(type))) {
		if (btf_is_typedef(type))
			name = btf__name_by_offset(btf, type->name_off);
		for (const struct reference *r = references; r->typedef_name; r++)
			if (!strcmp(r->typedef_name, name))
				member->resolve = r->resolve;
		type = btf__type_by_id(btf, type->type);
	}
	if (!type || (!btf_is_int(type) && !btf_is_enum(type)) || type->size > sizeof(uint64_t))
		return -EINVAL;
	member->size = type->size;
	member->is_signed = btf_is_int(type) && btf_int_encoding(type) & BTF_INT_SIGNED;
	return 0;
}

static bool binding_has(const struct binding *binding, int column)
{
	for (int i = 0; i < binding->count; i++)
		if (binding->members[i].column == column)
			return true;
	return false;
}

int binding_add(struct binding *binding, const struct btf *btf, uint32_t type_id,
		const struct reference *references, const char **why)
{
	const struct btf_type *type = btf__type_by_id(btf, type_id);
	if (!type || !btf_is_struct(type))
		return *why = "not a struct", -EINVAL;
	binding->size = type->size;
	const struct btf_member *m = btf_members(type);
	for (int i = 0; i < btf_vlen(type); i++) {
		const char *name = *why = btf__name_by_offset(btf, m[i].name_off);
		struct member member = { .offset = btf_member_bit_offset(type, i) / 8 };
		if (!strcmp(name, "record"))
			continue;
		member.column = table_column(binding->table, name);
		if (member.column < 0 || binding->count == COLUMNS_MAX ||
		    binding->table->columns[member.column].kind == COLUMN_TEXT ||
		    binding_has(binding, member.column) || btf_member_bitfield_size(type, i) ||
		    member_find(&member, btf, m[i].type, references))
			return -EINVAL;
		member.zero_is_null = binding->table->columns[member.column].null_field != NULL;
		binding->members[binding->count++] = member;
	}
	return 0;
}

int binding_complete(const struct binding *binding, const char **why)
{
	for (int i = 0; i < binding->table->n_columns; i++) {
		*why = binding->table->columns[i].name;
		if (!binding_has(binding, i) && i != binding->table->ts_ns)
			return -EINVAL;
	}
	return 0;
}

static uint64_t member_read(const struct member *member, const char *record)
{
	switch (member->size) {
	case 1:
		return member->is_signed ? (uint64_t) * (const int8_t *)(record + member->offset)
					 : *(const uint8_t *)(record + member->offset);
	case 2:
		if (member->is_signed)
			return (uint64_t) * (const int16_t *)(record + member->offset);
		return *(const uint16_t *)(record + member->offset);
	case 4:
		if (member->is_signed)
			return (uint64_t) * (const int32_t *)(record + member->offset);
		return *(const uint32_t *)(record + member->offset);
	default:
		return *(const uint64_t *)(record + member->offset);
	}
}

int binding_values(const struct binding *binding, const void *record, void *context,
		   uint64_t *values, uint32_t *nulls)
{
	for (const struct member *m = binding->members; m < binding->members + binding->count;
	     m++) {
		uint64_t value = member_read(m, record);
		int error = m->resolve ? m->resolve(context, value, &value) : 0;
		if (error)
			return error;
		values[m->column] = value;
		if (m->zero_is_null && !value)
			*nulls |= 1U << m->column;
	}
	return 0;
}
