package riffle.example

import android.Manifest
import android.os.Bundle
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.activity.result.contract.ActivityResultContracts
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.core.content.ContextCompat
import java.util.concurrent.Executors

/** What the back camera sees, as a word. */
class MainActivity : ComponentActivity() {
    private val analysis = Executors.newSingleThreadExecutor()
    private lateinit var text: TextView

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        text = TextView(this).apply { textSize = 32f }
        setContentView(text)
        registerForActivityResult(ActivityResultContracts.RequestPermission()) { granted ->
            if (granted) start() else text.text = "no camera"
        }.launch(Manifest.permission.CAMERA)
    }

    private fun start() {
        val future = ProcessCameraProvider.getInstance(this)
        future.addListener({
            val classifier = lazy { Classifier() }  // made, used and closed in the thread of the analysis
            val images = ImageAnalysis.Builder()
                .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
                .build()
            images.setAnalyzer(analysis) { image ->
                val label = image.use { classifier.value.classify(it) }
                runOnUiThread { text.text = label }
            }
            future.get().bindToLifecycle(this, CameraSelector.DEFAULT_BACK_CAMERA, images)
            onDestroyed = { analysis.execute { if (classifier.isInitialized()) classifier.value.close() } }
        }, ContextCompat.getMainExecutor(this))
    }

    private var onDestroyed: () -> Unit = {}

    override fun onDestroy() {
        super.onDestroy()
        onDestroyed()
        analysis.shutdown()
    }
}
