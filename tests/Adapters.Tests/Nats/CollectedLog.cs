using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>What the silos logged, for the message of a test that fails and for those that ask for a warning.</summary>
public sealed class CollectedLog : ILoggerProvider
{
    private const int LinesMax = 2000;
    private readonly ConcurrentQueue<string> _lines = [];

    public IReadOnlyCollection<string> Lines => _lines;

    public override string ToString() => string.Join('\n', _lines.TakeLast(60));

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    public void Dispose()
    {
    }

    private void Add(string line)
    {
        _lines.Enqueue(line);
        while (_lines.Count > LinesMax)
        {
            _lines.TryDequeue(out _);
        }
    }

    private sealed class Category(CollectedLog log, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Add($"{logLevel} {name}: {formatter(state, exception)} {exception}");
    }
}
