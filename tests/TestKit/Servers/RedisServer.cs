using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ControlPlane.TestKit;

/// <summary>How a <see cref="RedisServer"/> is started.</summary>
public sealed record RedisServerSettings
{
    /// <summary>An append-only file, synced at each write, so that what was answered survives a kill. None by default.</summary>
    public bool AppendOnly { get; init; }

    /// <summary>Where it stores. A temporary folder that is removed on dispose by default.</summary>
    public string? DataFolder { get; init; }

    /// <summary>The port; a free one by default.</summary>
    public int? Port { get; init; }

    /// <summary>The password that clients must give; none by default.</summary>
    public string? Password { get; init; }

    /// <summary>A configuration file read before the arguments that the other settings make.</summary>
    public string? ConfigurationFile { get; init; }
}

/// <summary>A real redis-server of our own on the loopback.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private const string Installation = "sudo apt-get install -y redis-server";
    private const int StartsMax = 3;

    private readonly RedisServerSettings _settings;
    private readonly string _folder;
    private readonly bool _ownsFolder;
    private ChildProcess? _process;

    private RedisServer(RedisServerSettings settings)
    {
        _settings = settings;
        _ownsFolder = settings.DataFolder is null;
        _folder = settings.DataFolder ?? Directory.CreateTempSubdirectory("controlplane-redis-").FullName;
        Directory.CreateDirectory(_folder);
        Port = settings.Port ?? LoopbackPort.Free();
    }

    /// <summary>The port; stays the same over restarts.</summary>
    public int Port { get; private set; }

    /// <summary>As StackExchange.Redis takes it.</summary>
    public string ConnectionString => $"127.0.0.1:{Port}" + (_settings.Password is { } password ? $",password={password}" : "");

    public int ProcessId => _process!.Id;

    /// <summary>The last lines that it logged.</summary>
    public string Output => _process?.Output ?? "";

    public static Task<RedisServer> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new RedisServerSettings(), cancellationToken);

    /// <summary>Starts one and waits until it answers PING.</summary>
    public static async Task<RedisServer> StartAsync(RedisServerSettings settings, CancellationToken cancellationToken)
    {
        var started = new RedisServer(settings);
        try
        {
            await started.StartAsync(settings.Port is null ? StartsMax : 1, cancellationToken);
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it in order (SIGTERM); <see cref="RestartAsync"/> starts it again.</summary>
    public Task StopAsync() => EndAsync(process => process.StopAsync());

    /// <summary>Ends it at once (SIGKILL).</summary>
    public Task KillAsync() => EndAsync(process => process.KillAsync());

    /// <summary>Stops it from running while its connections stay open (SIGSTOP).</summary>
    public void Pause() => _process!.Signal(Signals.Stop);

    /// <summary>Lets it run again after <see cref="Pause"/>.</summary>
    public void Continue() => _process!.Signal(Signals.Continue);

    /// <summary>Starts it on the same port and folder, after stopping it if it runs.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        await StartAsync(startsMax: 1, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        if (_ownsFolder)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private async Task StartAsync(int startsMax, CancellationToken cancellationToken)
    {
        for (var starts = 1; ; starts++)
        {
            _process = ChildProcess.Start(Command(), Installation);
            await Readiness.UntilAsync(
                async token => _process.HasExited || await AnswersAsync(token),
                $"redis-server on port {Port}",
                cancellationToken,
                () => Output);
            if (!_process.HasExited)
            {
                return;
            }

            // Its last words may still be in the pipe.
            await _process.WaitForExitAsync(cancellationToken);
            var output = Output;
            await KillAsync();
            if (starts == startsMax || !output.Contains("Address already in use", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"redis-server ended at start:\n{output}");
            }

            Port = LoopbackPort.Free();
        }
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
            await client.GetStream().WriteAsync("PING\r\n"u8.ToArray(), cancellationToken);
            var answer = new byte[5];
            await client.GetStream().ReadExactlyAsync(answer, cancellationToken);

            // -NOAUTH is the answer of a server that is ready and wants the password; -LOADING is not ready.
            return Encoding.ASCII.GetString(answer) is "+PONG" or "-NOAU";
        }
        catch (Exception notYet) when (notYet is SocketException or IOException)
        {
            return false;
        }
    }

    private async Task EndAsync(Func<ChildProcess, Task> end)
    {
        if (_process is { } process)
        {
            await end(process);
            await process.DisposeAsync();
            _process = null;
        }
    }

    private ProcessStartInfo Command()
    {
        var start = new ProcessStartInfo("redis-server");
        if (_settings.ConfigurationFile is { } file)
        {
            start.ArgumentList.Add(file);
        }

        string[] arguments =
        [
            "--port", $"{Port}", "--bind", "127.0.0.1", "--dir", _folder, "--daemonize", "no", "--save", "",
            "--appendonly", _settings.AppendOnly ? "yes" : "no", "--appendfsync", "always",
            .. _settings.Password is { } password ? (string[])["--requirepass", password] : [],
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }
}
