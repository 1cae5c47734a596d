"""Draw one small picture and look at its pixels; run as a program, since VTK ends the process where it cannot draw."""

import sys


def probe() -> bool:
    """Whether a picture drawn off-screen has the color it was given."""
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (registers the render windows)
    from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
    from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow

    window = vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(16, 16)
    renderer = vtkRenderer()
    renderer.SetBackground(1.0, 0.0, 0.0)
    window.AddRenderer(renderer)
    window.Render()
    pixels = vtkUnsignedCharArray()
    window.GetPixelData(8, 8, 8, 8, 0, pixels, 0)
    drawn = [pixels.GetValue(i) for i in range(3)] == [255, 0, 0]
    window.Finalize()
    return drawn


if __name__ == "__main__":
    sys.exit(0 if probe() else 3)
