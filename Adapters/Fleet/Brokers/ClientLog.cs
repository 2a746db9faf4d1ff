using Microsoft.Extensions.Logging;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>
/// What NATS' client library logs, as far as an operator can use it: each try of a connection is told by <see cref="BrokerConnector"/>, and
/// no stack trace of the library says more than its message, and what it has to inform of (what a server says of itself, that a request to
/// another site has unsubscribed already) is nothing to act on. All of it is there at Debug.
/// </summary>
internal sealed class ClientLog(ILoggerFactory loggers) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => new Category(loggers.CreateLogger(categoryName));

    public void AddProvider(ILoggerProvider provider) => loggers.AddProvider(provider);

    // The factory is the silo's.
    public void Dispose()
    {
    }

    private sealed class Category(ILogger log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => log.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => log.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel < LogLevel.Warning || IsOfATry(eventId, exception))
            {
                log.Log(logLevel < LogLevel.Debug ? logLevel : LogLevel.Debug, eventId, state, exception, formatter);
            }
            else if (exception is null || log.IsEnabled(LogLevel.Debug))
            {
                log.Log(logLevel, eventId, state, exception, formatter);
            }
            else
            {
                log.Log(logLevel, eventId, state, exception: null, (said, _) => $"{formatter(said, null)}: {exception.Message}");
            }
        }

        // That a connection is lost is told once, as a warning; that it is tried again, with each try.
        private static bool IsOfATry(EventId eventId, Exception? exception) =>
            eventId.Id == NatsLogEvents.Connection.Id && exception is not null;
    }
}
