using ControlPlane.Certificates;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>Holds a folder against the other silos that share it; the operating system lets go when a process dies.</summary>
internal sealed class FolderLock : IDisposable
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    private readonly FileStream file;

    private FolderLock(FileStream file)
    {
        this.file = file;
    }

    /// <exception cref="IssuerUnavailableException">Another silo held it for half a minute.</exception>
    public static async Task<FolderLock> AcquireAsync(string folder, TimeProvider time, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, ".lock");
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                return new FolderLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException held)
            {
                if (time.GetElapsedTime(began) > WaitMax)
                {
                    throw new IssuerUnavailableException($"{folder} is held by another silo", held);
                }
            }

            // Real time: the other silo does not wait on ours, and a test that stops the clock would never get the folder.
            await Task.Delay(Pause, cancellationToken);
        }
    }

    public void Dispose() => file.Dispose();
}
