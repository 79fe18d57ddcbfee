package riffle.example

import androidx.camera.core.ImageProxy
import java.nio.ByteBuffer

/** The network inside libclassifier.so. One thread at a time. */
class Classifier(threads: Int = 2) : AutoCloseable {
    private var handle = create(threads)

    /** The most likely label. The image is the caller's to close. */
    fun classify(image: ImageProxy, mirrored: Boolean = false): String {
        check(handle != 0L) { "closed" }
        val (y, u, v) = image.planes
        val scores = classify(
            handle, y.buffer, u.buffer, v.buffer, y.rowStride, u.rowStride, u.pixelStride,
            image.width, image.height, image.imageInfo.rotationDegrees, mirrored,
        )
        return LABELS[scores.indices.maxBy { scores[it] }]
    }

    override fun close() {
        free(handle)
        handle = 0
    }

    private external fun create(threads: Int): Long
    private external fun free(handle: Long)
    private external fun classify(
        handle: Long, y: ByteBuffer, u: ByteBuffer, v: ByteBuffer, yStride: Int, uvStride: Int, uvPixelStride: Int,
        width: Int, height: Int, rotation: Int, mirrored: Boolean,
    ): FloatArray

    private companion object {
        init {
            System.loadLibrary("classifier")
        }

        val LABELS = listOf(
            "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
        )
    }
}
