/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_input_pci.c - keyboard, mouse and tablet (virtio 1.2, section 5.8): events of Linux's
 * input layer in one queue, lights in the other, and a configuration space that is asked part by
 * part.
 *
 * A device takes over from the others of its kind when its driver is ready.  Events wait for
 * buffers, up to a bound; a report of which not all can wait is lost whole. */
#include <string.h>
#include "hw/device_types.h"
#include "hw/input/input.h"
#include "hw/input/keynames.h"
#include "hw/virtio/virtio_pci.h"

enum { /* the configuration space */
       CFG_SELECT = 0,
       CFG_SUBSELECT = 1,
       CFG_SIZE = 2,
       CFG_DATA = 8,
       CFG_DATA_MAX = 128,
       CFG_BYTES = CFG_DATA + CFG_DATA_MAX,
};
enum {
    SELECT_NAME = 1,
    SELECT_SERIAL,
    SELECT_IDS,
    SELECT_PROPERTIES = 0x10,
    SELECT_BITS,
    SELECT_ABS
};

enum { /* linux/input-event-codes.h */
       EV_SYN = 0,
       EV_KEY = 1,
       EV_REL = 2,
       EV_ABS = 3,
       EV_LED = 0x11,
       EV_REP = 0x14,
       REL_X = 0,
       REL_Y = 1,
       REL_HWHEEL = 6,
       REL_WHEEL = 8,
       ABS_X = 0,
       ABS_Y = 1,
       LED_NUM = 0,
       LED_CAPS = 1,
       LED_SCROLL = 2,
       KEY_LAST = 255, /* of a keyboard's */
       BUS_VIRTUAL = 6,
       VENDOR = 0x0627,
};
enum { QUEUE_SIZE = 64, VECTORS = 2, EVENTS_MAX = 256, REPORT_MAX = 12 };

typedef struct Event {
    uint16_t type, code;
    uint32_t value;
} Event;
_Static_assert(sizeof(Event) == 8, "as on the wire");

typedef struct VirtInput {
    VirtPci virt;
    VirtDevice device;
    char *serial; /* properties */
    bool wheel_axis;
    InputDevice *input; /* NULL: the board has no input */
    uint8_t select, subselect;
    uint8_t leds; /* that are on: INPUT_LED_* */
    int32_t x, y; /* that the guest knows, and buttons */
    uint32_t buttons;
    uint32_t n_events;
    Event events[EVENTS_MAX]; /* that wait for buffers */
    uint16_t codes[INPUT_KEYS];
} VirtInput;

typedef struct Kind {
    uint16_t product;
    const InputDeviceOps *ops;
} Kind;

static const uint16_t button_codes[INPUT_BUTTONS] = { 0x110, 0x111, 0x112, 0x113, 0x114 };

static VirtInput *dev_of(VirtDevice *device)
{
    return (VirtInput *)((char *)device - offsetof(VirtInput, device));
}

static const Kind *kind_of(const VirtInput *dev);

/* ---- Events ---- */

static void events_send(VirtInput *dev)
{
    VirtQueue *queue = &dev->device.queue[0];
    VirtElement *element;
    unsigned sent = 0;

    while (sent < dev->n_events && (element = virtqueue_pop(queue)) != NULL) {
        size_t size = iov_from_buffer(element->in, element->n_in, 0, &dev->events[sent++],
                                      sizeof(Event));

        virtqueue_push(queue, element, (uint32_t)size);
    }
    dev->n_events -= sent;
    memmove(dev->events, dev->events + sent, dev->n_events * sizeof(Event));
    virtqueue_notify(queue);
}

/* False: it is lost. */
static bool report(VirtInput *dev, const Event *events, unsigned n)
{
    const Event end = { EV_SYN, 0, 0 };

    if (!virtio_device_working(&dev->device) || dev->n_events + n + 1 > EVENTS_MAX) {
        return false;
    }
    memcpy(dev->events + dev->n_events, events, n * sizeof(*events));
    dev->n_events += n;
    dev->events[dev->n_events++] = end;
    events_send(dev);
    return true;
}

static void on_key(void *opaque, uint8_t key, bool down)
{
    VirtInput *dev = opaque;
    const Event event = { EV_KEY, dev->codes[key], down };

    if (event.code != 0) {
        report(dev, &event, 1);
    }
}

static unsigned on_leds(void *opaque)
{
    return ((const VirtInput *)opaque)->leds;
}

static void add(Event *events, unsigned *n, uint16_t type, uint16_t code, int value)
{
    if (type != EV_REL || value != 0) {
        events[(*n)++] = (Event){ type, code, (uint32_t)value };
    }
}

static void pointer_moved(VirtInput *dev, const InputPointer *pointer, Event *events, unsigned *n)
{
    if (!kind_of(dev)->ops->absolute) {
        add(events, n, EV_REL, REL_X, pointer->dx);
        add(events, n, EV_REL, REL_Y, pointer->dy);
        return;
    }
    if (pointer->x != dev->x) {
        add(events, n, EV_ABS, ABS_X, pointer->x);
    }
    if (pointer->y != dev->y) {
        add(events, n, EV_ABS, ABS_Y, pointer->y);
    }
}

static void on_pointer(void *opaque, const InputPointer *pointer)
{
    VirtInput *dev = opaque;
    Event events[REPORT_MAX];
    unsigned n = 0;

    pointer_moved(dev, pointer, events, &n);
    if (dev->wheel_axis) {
        add(events, &n, EV_REL, REL_WHEEL, -pointer->wheel);
        add(events, &n, EV_REL, REL_HWHEEL, pointer->tilt);
    }
    for (unsigned i = 0; i < INPUT_BUTTONS; i++) {
        if (((pointer->buttons ^ dev->buttons) & 1u << i) != 0) {
            add(events, &n, EV_KEY, button_codes[i], (pointer->buttons >> i & 1) != 0);
        }
    }
    if (n != 0 && report(dev, events, n)) {
        dev->x = pointer->x;
        dev->y = pointer->y;
        dev->buttons = pointer->buttons;
    }
}

static const InputDeviceOps keyboard_ops = { .name = "QEMU Virtio Keyboard",
                                             .key = on_key,
                                             .leds = on_leds };
static const InputDeviceOps mouse_ops = { .name = "QEMU Virtio Mouse", .pointer = on_pointer };
static const InputDeviceOps tablet_ops = { .name = "QEMU Virtio Tablet",
                                           .absolute = true,
                                           .pointer = on_pointer };

/* ---- Queues ---- */

static void events_kick(VirtDevice *device, VirtQueue *queue)
{
    (void)queue;
    events_send(dev_of(device));
}

static void status_take(VirtInput *dev, const Event *event)
{
    static const uint8_t leds[] = {
        [LED_NUM] = INPUT_LED_NUM, [LED_CAPS] = INPUT_LED_CAPS, [LED_SCROLL] = INPUT_LED_SCROLL
    };

    if (event->type == EV_LED && event->code < G_N_ELEMENTS(leds)) {
        dev->leds = event->value != 0 ? dev->leds | leds[event->code]
                                      : dev->leds & (uint8_t)~leds[event->code];
    }
}

static void status_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtElement *element;

    while ((element = virtqueue_pop(queue)) != NULL) {
        Event event;

        if (iov_to_buffer(element->out, element->n_out, 0, &event, sizeof(event)) ==
            sizeof(event)) {
            status_take(dev_of(device), &event);
        }
        virtqueue_push(queue, element, 0);
    }
    virtqueue_notify(queue);
}

/* ---- The configuration space ---- */

/* Sets a bit; the bytes up to it are the part's size then. */
static void bit_set(uint8_t *bits, uint8_t *size, unsigned bit)
{
    bits[bit / 8] |= (uint8_t)(1u << bit % 8);
    *size = (uint8_t)MAX(*size, bit / 8 + 1);
}

static void key_bits(const VirtInput *dev, uint8_t *bits, uint8_t *size)
{
    if (kind_of(dev)->ops->key == NULL) {
        for (unsigned i = 0; i < INPUT_BUTTONS; i++) {
            bit_set(bits, size, button_codes[i]);
        }
        return;
    }
    for (unsigned key = 0; key < INPUT_KEYS; key++) {
        if (dev->codes[key] != 0) {
            bit_set(bits, size, dev->codes[key]);
        }
    }
}

static void rel_bits(const VirtInput *dev, uint8_t *bits, uint8_t *size)
{
    const InputDeviceOps *ops = kind_of(dev)->ops;

    if (ops->pointer != NULL && !ops->absolute) {
        bit_set(bits, size, REL_X);
        bit_set(bits, size, REL_Y);
    }
    if (ops->pointer != NULL && dev->wheel_axis) {
        bit_set(bits, size, REL_WHEEL);
        bit_set(bits, size, REL_HWHEEL);
    }
}

static void event_bits(const VirtInput *dev, uint8_t *bits, uint8_t *size)
{
    const InputDeviceOps *ops = kind_of(dev)->ops;

    switch (dev->subselect) {
    case EV_KEY:
        key_bits(dev, bits, size);
        break;
    case EV_REL:
        rel_bits(dev, bits, size);
        break;
    case EV_ABS:
        if (ops->absolute) {
            bit_set(bits, size, ABS_X);
            bit_set(bits, size, ABS_Y);
        }
        break;
    case EV_LED:
        if (ops->key != NULL) {
            bit_set(bits, size, LED_NUM);
            bit_set(bits, size, LED_CAPS);
            bit_set(bits, size, LED_SCROLL);
        }
        break;
    case EV_REP:
        *size = ops->key != NULL ? 1 : 0;
        break;
    default:
        break;
    }
}

static uint8_t text_part(uint8_t *data, const char *text)
{
    size_t size = text != NULL ? MIN(strlen(text), CFG_DATA_MAX) : 0;

    if (size > 0) {
        memcpy(data, text, size);
    }
    return (uint8_t)size;
}

static void input_config(VirtDevice *device, uint8_t *config)
{
    const VirtInput *dev = dev_of(device);
    const Kind *kind = kind_of(dev);
    const uint16_t ids[4] = { BUS_VIRTUAL, VENDOR, kind->product, kind->ops->key != NULL ? 1 : 2 };
    const uint32_t axis[5] = { 0, INPUT_ABSOLUTE_MAX, 0, 0, 0 };
    uint8_t *data = config + CFG_DATA, *size = config + CFG_SIZE;

    config[CFG_SELECT] = dev->select;
    config[CFG_SUBSELECT] = dev->subselect;
    if (dev->select == SELECT_BITS) {
        event_bits(dev, data, size);
    } else if (dev->select == SELECT_ABS && kind->ops->absolute && dev->subselect <= ABS_Y) {
        memcpy(data, axis, sizeof(axis));
        *size = sizeof(axis);
    } else if (dev->subselect != 0) {
        *size = 0; /* the others have no parts */
    } else if (dev->select == SELECT_NAME) {
        *size = text_part(data, kind->ops->name);
    } else if (dev->select == SELECT_SERIAL) {
        *size = text_part(data, dev->serial);
    } else if (dev->select == SELECT_IDS) {
        memcpy(data, ids, sizeof(ids));
        *size = sizeof(ids);
    }
}

static void input_config_write(VirtDevice *device, unsigned offset, const uint8_t *data,
                               unsigned size)
{
    VirtInput *dev = dev_of(device);

    for (unsigned i = 0; i < size; i++) {
        if (offset + i == CFG_SELECT) {
            dev->select = data[i];
        } else if (offset + i == CFG_SUBSELECT) {
            dev->subselect = data[i];
        }
    }
}

/* ---- Coming and going ---- */

static void input_started(VirtDevice *device)
{
    VirtInput *dev = dev_of(device);

    if (dev->input != NULL) {
        input_activate(dev->virt.pci.device.board->config.input, dev->input);
    }
}

static void input_stopped(VirtDevice *device)
{
    VirtInput *dev = dev_of(device);

    if (dev->input != NULL && (device->status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        input_deactivate(dev->virt.pci.device.board->config.input, dev->input);
    }
    dev->select = dev->subselect = dev->leds = 0;
    dev->n_events = 0;
    dev->x = dev->y = -1;
    dev->buttons = 0;
}

static const VirtOps input_ops = {
    .name = "virtio-input",
    .id = VIRTIO_ID_INPUT,
    .config_read = input_config,
    .config_write = input_config_write,
    .started = input_started,
    .reset = input_stopped,
};

static bool input_create(Device *device, GError **error)
{
    VirtInput *dev = (VirtInput *)device;
    Input *input = device->board->config.input;

    for (unsigned code = 1; code <= KEY_LAST; code++) {
        uint8_t key = key_of_evdev(code);

        if (key != 0 && dev->codes[key] == 0) {
            dev->codes[key] = (uint16_t)code;
        }
    }
    virtio_device_init(&dev->device, &input_ops, device->board->map, 0, CFG_BYTES);
    virtio_device_add_queue(&dev->device, QUEUE_SIZE, events_kick);
    virtio_device_add_queue(&dev->device, QUEUE_SIZE, status_kick);
    if (!virtio_pci_create(&dev->virt, &dev->device, error)) {
        return false;
    }
    dev->input = input != NULL ? input_add(input, kind_of(dev)->ops, dev) : NULL;
    return true;
}

static void input_destroy(Device *device)
{
    VirtInput *dev = (VirtInput *)device;

    virtio_pci_destroy(&dev->virt);
    if (dev->input != NULL) {
        input_remove(device->board->config.input, dev->input);
    }
}

/* A guest that was saved had taken it over. */
static void input_loaded(void *opaque)
{
    VirtInput *dev = opaque;

    dev->n_events = 0;
    if (dev->input != NULL && (dev->device.status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        input_activate(dev->virt.pci.device.board->config.input, dev->input);
    }
}

static const StateField input_fields[] = {
    STATE_FIELD(STATE_U8, VirtInput, select),
    STATE_FIELD(STATE_U8, VirtInput, subselect),
    STATE_FIELD(STATE_U8, VirtInput, leds),
    STATE_FIELD(STATE_U32, VirtInput, x),
    STATE_FIELD(STATE_U32, VirtInput, y),
    STATE_FIELD(STATE_U32, VirtInput, buttons),
    { 0 },
};

static const StateTable input_state = {
    .name = "virtio-input",
    .version = 1,
    .fields = input_fields,
    .loaded = input_loaded,
};

static const Property keyboard_properties[] = {
    VIRTIO_PCI_PROPERTIES(VirtInput, VECTORS),
    PROPERTY_ROW("serial", PROPERTY_STRING, VirtInput, serial),
    { 0 },
};

static const Property pointer_properties[] = {
    VIRTIO_PCI_PROPERTIES(VirtInput, VECTORS),
    PROPERTY_ROW("serial", PROPERTY_STRING, VirtInput, serial),
    PROPERTY_ROW("wheel-axis", PROPERTY_BOOL, VirtInput, wheel_axis, .init = 1),
    { 0 },
};

static const PciClass keyboard_class = VIRTIO_PCI_CLASS("virtio-keyboard-pci", 0x1052,
                                                        VIRTIO_ID_INPUT, 0x090000);
static const PciClass mouse_class = VIRTIO_PCI_CLASS("virtio-mouse-pci", 0x1052, VIRTIO_ID_INPUT,
                                                     0x090200);
static const PciClass tablet_class = VIRTIO_PCI_CLASS("virtio-tablet-pci", 0x1052, VIRTIO_ID_INPUT,
                                                      0x098000);

#define INPUT_ROW(name_, properties_, class_)                                                      \
    {                                                                                              \
        .name = name_ "-pci", .alias = name_, VIRTIO_PCI_ROW, .category = DEVICE_INPUT,            \
        .size = sizeof(VirtInput), .properties = properties_, .pci = &class_,                      \
        .create = input_create, .destroy = input_destroy, .state = &input_state,                   \
        .each_state = virtio_pci_each_state                                                        \
    }

const DeviceType virtio_keyboard_pci_type = INPUT_ROW("virtio-keyboard", keyboard_properties,
                                                      keyboard_class);
const DeviceType virtio_mouse_pci_type = INPUT_ROW("virtio-mouse", pointer_properties, mouse_class);
const DeviceType virtio_tablet_pci_type = INPUT_ROW("virtio-tablet", pointer_properties,
                                                    tablet_class);

static const Kind *kind_of(const VirtInput *dev)
{
    static const Kind keyboard = { 1, &keyboard_ops }, mouse = { 2, &mouse_ops },
                      tablet = { 3, &tablet_ops };
    const DeviceType *type = dev->virt.pci.device.type;

    return type == &virtio_keyboard_pci_type ? &keyboard
           : type == &virtio_mouse_pci_type  ? &mouse
                                             : &tablet;
}
