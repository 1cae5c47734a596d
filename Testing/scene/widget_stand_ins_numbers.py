"""Stand-ins for what a number is chosen with: spin boxes and sliders."""

from widget_stand_ins import Widget


class QSpinBox(Widget):
    properties = {"value": 0, "minimum": 0, "maximum": 99, "singleStep": 1, "suffix": "", "prefix": ""}
    changes = {"value": "valueChanged"}

    def setValue(self, value: float) -> None:
        self.value = min(max(value, self.minimum), self.maximum)


class QDoubleSpinBox(QSpinBox):
    properties = QSpinBox.properties | {"value": 0.0, "minimum": 0.0, "maximum": 99.99, "decimals": 2}


class QSlider(QSpinBox):
    signals = ("sliderPressed", "sliderReleased")


class ctkSliderWidget(QDoubleSpinBox):
    pass


class ctkDoubleSpinBox(QDoubleSpinBox):
    pass
